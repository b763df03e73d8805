//! Why nobody is signed in, for programs and for people.

use valetkey_http::HttpError;
use valetkey_protocol::{Reason, Refusal, shown, shown_hint};

/// A sign-in or refresh that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct SignInError {
    /// What to branch on.
    pub kind: SignInErrorKind,
    /// What is wrong: one line, no full stop.
    pub sentence: String,
    /// What to do next: one line, empty where there is nothing to do.
    pub hint: String,
    /// The number after `AADSTS`, to look up and to tell an administrator.
    pub code: Option<u32>,
    /// The claims request to pass to the next interactive sign-in: the text of a JSON object.
    pub claims: Option<String>,
    /// Seconds before which asking again is of no use, at most 3600.
    pub retry_after: Option<u64>,
    /// Finds the request in the tenant's sign-in log.
    pub correlation_id: Option<Box<str>>,
}

/// The enum as it stands, and the names of its kinds.
macro_rules! named {
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[$inner:meta])* $kind:ident $(($held:ty))?,)* }) => {
        $(#[$outer])*
        pub enum $name { $($(#[$inner])* $kind $(($held))?,)* }

        impl $name {
            /// The names of all kinds.
            pub const NAMES: &[&str] = &[$(stringify!($kind)),*];
        }
    };
}

named! {
    /// The kinds of failure, one for each next step. Microsoft: "Microsoft Entra authentication and authorization error
    /// codes", and the `suberror` values that its own libraries branch on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SignInErrorKind {
        /// The refresh token is dead: revoked, idle for 90 days, password changed (`bad_token`).
        SessionEnded,
        /// The tenant wants people to sign in more often (`token_expired`).
        SignInTooOld,
        /// A second factor or another step by the person (`basic_action`). The refresh token lives: pass the claims on.
        NeedsInteraction,
        /// The device must be made compliant first (`additional_action`).
        DeviceNotCompliant,
        /// Conditional access says no, and signing in again does not change that (`message_only`).
        BlockedByPolicy,
        /// The user or an administrator has not consented (`consent_required`).
        ConsentMissing,
        /// The account was disabled (AADSTS50057, which comes without a `suberror`).
        AccountDisabled,
        /// The password has expired (`user_password_expired`).
        PasswordExpired,
        /// The tenant wants a client of another make (`client_mismatch`, `protection_policy_required`,
        /// `device_authentication_failed`).
        ClientUnsupported,
        /// The code was used, is too old or belongs to another attempt: start again.
        FlowVoid,
        /// The application is not registered as a public client (`invalid_client`).
        ClientMisconfigured,
        /// The application is not there in this tenant (`unauthorized_client`).
        ClientUnknown,
        /// A scope or the resource is not there (`invalid_scope`, `invalid_resource`).
        ScopeInvalid,
        /// The tenant is not there, or the account is none of its members.
        TenantWrong,
        /// Entra does not understand the request in another way (`invalid_request`).
        RequestInvalid,
        /// Too many requests: wait.
        Throttled,
        /// Entra has a fault, or cannot be reached: wait.
        Unavailable,
        /// The proxy stands in the way.
        Proxy,
        /// The certificate of the authority, or of the proxy, is not trusted.
        Tls,
        /// No answer in time.
        TimedOut,
        /// The person said no.
        Declined,
        /// The person took too long.
        Expired,
        /// The answer belongs to another sign-in.
        StateMismatch,
        /// Our own configuration is wrong.
        Misconfigured,
        /// No client id is configured.
        ClientIdMissing,
        /// What answered does not speak as Entra does.
        Malformed,
    }
}

impl SignInErrorKind {
    /// Whether an interactive sign-in, now, by the same person, may help.
    pub fn interaction_helps(self) -> bool {
        matches!(
            self,
            Self::SessionEnded
                | Self::SignInTooOld
                | Self::NeedsInteraction
                | Self::ConsentMissing
                | Self::PasswordExpired
                | Self::FlowVoid
                | Self::Declined
                | Self::Expired
                | Self::StateMismatch
        )
    }

    /// Whether the same request, later, may succeed without anybody doing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::TimedOut)
    }

    /// The reason to give a helper.
    pub fn reason(self) -> Reason {
        match self {
            Self::SessionEnded | Self::FlowVoid => Reason::NeedsLogin,
            Self::SignInTooOld | Self::NeedsInteraction | Self::PasswordExpired => Reason::NeedsInteraction,
            Self::DeviceNotCompliant
            | Self::BlockedByPolicy
            | Self::ClientUnsupported
            | Self::AccountDisabled => Reason::BlockedByPolicy,
            Self::ConsentMissing => Reason::NeedsConsent,
            Self::ClientMisconfigured
            | Self::ClientUnknown
            | Self::ScopeInvalid
            | Self::TenantWrong
            | Self::RequestInvalid
            | Self::Misconfigured => Reason::Configuration,
            Self::ClientIdMissing => Reason::ClientIdMissing,
            Self::Throttled => Reason::Throttled,
            Self::Unavailable | Self::TimedOut | Self::Malformed => Reason::Unavailable,
            Self::Proxy => Reason::Proxy,
            Self::Tls => Reason::Tls,
            Self::Declined | Self::Expired | Self::StateMismatch => Reason::SignInAbandoned,
        }
    }
}

impl SignInError {
    /// An error with no more than a sentence and a next step.
    pub(crate) fn new(kind: SignInErrorKind, sentence: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self {
            kind,
            sentence: shown(sentence.as_ref()),
            hint: shown_hint(hint.as_ref()),
            code: None,
            claims: None,
            retry_after: None,
            correlation_id: None,
        }
    }

    /// The same as a value for the wire.
    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.kind.reason(), &self.sentence, &self.hint);
        match self.retry_after {
            Some(seconds) => refusal.retry_after(seconds),
            None => refusal,
        }
    }
}

impl From<HttpError> for SignInError {
    fn from(error: HttpError) -> Self {
        let kind = match &error {
            HttpError::Proxy { .. } => SignInErrorKind::Proxy,
            HttpError::Tls { .. } => SignInErrorKind::Tls,
            HttpError::TimedOut { .. } => SignInErrorKind::TimedOut,
            HttpError::TooLarge { .. } => SignInErrorKind::Malformed,
            HttpError::Configuration { .. } => SignInErrorKind::Misconfigured,
            _ => SignInErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string(), error.hint())
    }
}
