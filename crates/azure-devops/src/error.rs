//! What went wrong, for programs and for people.

use valetkey_http::HttpError;
use valetkey_protocol::{Reason, Refusal};

use crate::PatError;

/// Azure DevOps did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct DevOpsError {
    /// For programs.
    pub kind: DevOpsErrorKind,
    /// What is wrong: one line without a full stop, naming the organisation.
    pub sentence: String,
    /// What to do next: one line, empty when there is nothing to do.
    pub hint: String,
    /// Seconds after which the service may be asked again, at most an hour.
    pub retry_after: Option<u64>,
    /// The claims to sign in with, as JSON, when more are wanted.
    pub claims: Option<String>,
    pub(crate) committed: bool,
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
    /// What went wrong, for programs.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum DevOpsErrorKind {
        /// The key was not issued, for the reason the service names.
        Forbidden(PatError),
        /// The sign-in was refused: no right, not the organisation's tenant, or a token that is void (401).
        Unauthorized,
        /// More claims are wanted: sign in with [`DevOpsError::claims`].
        InsufficientClaims,
        /// The sign-in is of another tenant than the organisation.
        WrongTenant,
        /// The organisation belongs to no tenant: its people have Microsoft accounts.
        MicrosoftAccount,
        /// The organisation is of another cloud of Microsoft's than the authority.
        OtherCloud,
        /// The account has never opened the organisation in a browser (TF401444).
        NeverSignedIn,
        /// A conditional access policy refused the sign-in (VS403463).
        ConditionalAccess,
        /// A service principal or managed identity asked for what only people get.
        NotAPerson,
        /// The account may not do this (403).
        AccessDenied,
        /// The organisation, or what was asked for in it, does not exist (404).
        NotFound,
        /// Too much was asked (429).
        Throttled,
        /// The service has a fault (5xx).
        Unavailable,
        /// A web page came in place of an answer.
        SignInPage,
        /// The request was refused as wrong (other 4xx).
        BadRequest,
        /// The answer cannot be understood.
        Malformed,
        /// The name or the address of the organisation cannot be used.
        Misuse,
        /// There was no answer.
        Http(Box<HttpError>),
    }
}

impl DevOpsError {
    pub(crate) fn new(kind: DevOpsErrorKind, sentence: String, hint: impl Into<String>) -> Self {
        Self { kind, sentence, hint: hint.into(), retry_after: None, claims: None, committed: false }
    }

    /// The same error of a request that may have been acted on.
    pub(crate) fn perhaps_committed(mut self, committed: bool) -> Self {
        self.committed |= committed;
        self
    }

    /// Whether the request may have been acted on although it failed. A key may then exist whose secret is lost:
    /// look for its display name in the list and revoke it.
    pub fn may_have_committed(&self) -> bool {
        self.committed
    }

    /// The reason as the agent's clients know it.
    pub fn reason(&self) -> Reason {
        use DevOpsErrorKind as Kind;
        match &self.kind {
            Kind::Forbidden(error) if error.is_transient() => Reason::Unavailable,
            Kind::Forbidden(_) | Kind::NotAPerson => Reason::KeyForbidden,
            Kind::Unauthorized | Kind::WrongTenant | Kind::SignInPage => Reason::NeedsLogin,
            Kind::InsufficientClaims => Reason::NeedsInteraction,
            Kind::MicrosoftAccount | Kind::NeverSignedIn | Kind::AccessDenied => Reason::AccessDenied,
            Kind::ConditionalAccess => Reason::BlockedByPolicy,
            Kind::OtherCloud => Reason::Configuration,
            Kind::NotFound | Kind::Misuse => Reason::OrganisationUnknown,
            Kind::Throttled => Reason::Throttled,
            Kind::Unavailable | Kind::Malformed | Kind::BadRequest => Reason::Unavailable,
            Kind::Http(error) => match **error {
                HttpError::Proxy { .. } => Reason::Proxy,
                HttpError::Tls { .. } => Reason::Tls,
                HttpError::Configuration { .. } => Reason::Configuration,
                _ => Reason::Unavailable,
            },
        }
    }

    /// The refusal to hand to a client of the agent.
    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.reason(), &self.sentence, &self.hint);
        match self.retry_after {
            Some(seconds) => refusal.retry_after(seconds),
            None => refusal,
        }
    }
}
