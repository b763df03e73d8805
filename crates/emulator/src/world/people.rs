//! People and the applications they sign in with.

use serde::{Deserialize, Serialize};

/// What stands between a person and a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserState {
    /// Nothing.
    Normal,
    /// Silent requests are refused (AADSTS50076) until a sign-in that carries the claims of that refusal.
    NeedsMfa,
    /// Conditional Access blocks every token (AADSTS53003).
    Blocked,
    /// The device is not compliant (AADSTS53000).
    DeviceNotCompliant,
    /// Consent was withdrawn (AADSTS65001).
    ConsentMissing,
    /// The password is expired (AADSTS50055).
    PasswordExpired,
    /// Sign-in frequency is over (AADSTS70043): silent requests fail until the next sign-in.
    SignInFrequency,
}

/// One person.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) upn: String,
    pub(crate) object_id: String,
    /// The home tenant first, then those where the person is a guest.
    pub(crate) tenants: Vec<String>,
    pub(crate) state: UserState,
    /// Access tokens must have been asked for with these claims (continuous access evaluation).
    pub(crate) required_claims: Option<String>,
    /// Only a new sign-in satisfies them.
    pub(crate) claims_need_interaction: bool,
}

impl User {
    pub(crate) fn home(&self) -> &str {
        &self.tenants[0]
    }
}

/// How an application is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Platform {
    Public,
    Confidential { secret: String },
    SinglePage,
}

/// An application registration.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) platform: Platform,
    /// Delegated permissions on Azure DevOps, all consented.
    pub(crate) permissions: Vec<String>,
    pub(crate) redirects: Vec<String>,
}
