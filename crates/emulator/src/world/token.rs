//! What Microsoft Entra issues, and what it remembers between two steps of a sign-in.

use crate::clock::Time;

/// Who signed in, with which application, for what.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) client_id: String,
    pub(crate) user: String,
    /// The tenant that the tokens are for.
    pub(crate) tenant: String,
    pub(crate) scopes: Vec<String>,
    /// The `claims` parameter of the interactive request.
    pub(crate) claims: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// An authorization request waiting for its person.
#[derive(Debug, Clone)]
pub(crate) struct PendingSignIn {
    pub(crate) client_id: String,
    pub(crate) tenant: String,
    pub(crate) redirect_uri: String,
    pub(crate) response_mode: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) claims: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) client_info: bool,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationCode {
    pub(crate) sign_in: SignIn,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires: Time,
    pub(crate) used: bool,
}

/// Where a device code stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceState {
    Pending,
    Approved(String),
    Denied,
    Redeemed,
}

/// A device code (RFC 8628).
#[derive(Debug, Clone)]
pub(crate) struct DeviceCode {
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) tenant: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) claims: Option<String>,
    pub(crate) expires: Time,
    pub(crate) last_poll: Option<Time>,
    pub(crate) state: DeviceState,
}

/// A refresh token: bound to a person and an application, not to a tenant.
#[derive(Debug, Clone)]
pub(crate) struct RefreshToken {
    pub(crate) client_id: String,
    pub(crate) user: String,
    pub(crate) idle_until: Time,
    /// Single-page applications only.
    pub(crate) absolute_until: Option<Time>,
    /// The `claims` of the sign-in that it goes back to.
    pub(crate) claims: Option<String>,
    pub(crate) revoked: bool,
}

/// An access token for Azure DevOps.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    /// `None`: a service principal.
    pub(crate) user: Option<String>,
    pub(crate) tenant: String,
    pub(crate) scopes: Vec<String>,
    /// It is for Azure Resource Manager, and no other service takes it.
    pub(crate) for_arm: bool,
    pub(crate) expires: Time,
    pub(crate) revoked: bool,
    /// Claims that it was asked for with.
    pub(crate) claims: Option<String>,
    /// [`crate::clock::Clock::jumps`] when it was issued.
    pub(crate) jumps: u64,
}
