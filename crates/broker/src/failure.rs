//! What went wrong outside, and what the broker is to do about it.

use valetkey_protocol::{Reason, Refusal};

/// A failed call to a service: what a person is told, and what kind of trouble it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What a person is told.
    pub refusal: Refusal,
    /// What the broker does about it.
    pub kind: FailureKind,
    /// Claims a new token must satisfy, as decoded JSON.
    pub claims: Option<String>,
    /// Whether the service may have done what was asked although no answer came.
    pub may_have_committed: bool,
    /// Seconds for which it is believed without asking anew, where that is not for the kind to say.
    pub believed_for: Option<u64>,
}

/// The kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The refresh token is dead: nothing but a sign-in helps.
    SessionEnded,
    /// A person must do something; the refresh token may still live.
    Interaction,
    /// The service did not take the access token: a new one may help.
    TokenRejected,
    /// The service wants a token with [`Failure::claims`].
    Claims,
    /// The token is of another tenant than the organisation's.
    WrongTenant,
    /// The service cannot be reached, fails, or asks us to wait.
    Transient,
    /// Asking again changes nothing.
    Final,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind, refusal: Refusal) -> Self {
        Self { refusal, kind, claims: None, may_have_committed: false, believed_for: None }
    }

    /// The same failure with the claims a new token must satisfy.
    #[must_use]
    pub fn claims(mut self, claims: Option<String>) -> Self {
        self.claims = claims;
        self
    }

    /// The same failure, saying whether the service may have done what was asked.
    #[must_use]
    pub fn may_have_committed(mut self, may: bool) -> Self {
        self.may_have_committed = may;
        self
    }

    /// The same failure, believed for so many seconds.
    #[must_use]
    pub fn believed_for(mut self, seconds: u64) -> Self {
        self.believed_for = Some(seconds);
        self
    }

    /// Seconds for which the same question gets the same answer without a call.
    pub(crate) fn hold(&self) -> u64 {
        if let Some(seconds) = self.believed_for {
            return seconds;
        }
        match (self.kind, self.refusal.reason) {
            (_, Reason::VaultUnavailable) => 2,
            (_, Reason::Internal) => 1,
            (FailureKind::Transient, _) => self.refusal.retry_after.unwrap_or(2),
            _ => 60,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.reason {
            Reason::Throttled | Reason::Unavailable | Reason::Proxy | Reason::Tls => FailureKind::Transient,
            Reason::NeedsLogin => FailureKind::SessionEnded,
            Reason::NeedsInteraction | Reason::NeedsConsent => FailureKind::Interaction,
            _ => FailureKind::Final,
        };
        Self::new(kind, refusal)
    }
}
