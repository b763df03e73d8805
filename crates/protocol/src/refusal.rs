//! Why a request was not served: a value, not a failure of the connection.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refusal a program can branch on and a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub reason: Reason,
    /// What is wrong: one line, no full stop.
    pub sentence: String,
    /// What to do next: one line, empty when there is nothing to do.
    #[serde(default)]
    pub hint: String,
    /// Seconds after which asking again may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal with a sentence and a next step. Control characters are taken out of both, and
    /// the numbers of errors out of the sentence.
    pub fn new(reason: Reason, sentence: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self {
            reason,
            sentence: crate::shown(&crate::without_errno(sentence.as_ref())),
            hint: crate::shown_hint(hint.as_ref()),
            retry_after: None,
        }
    }

    /// The same refusal, with a time after which to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Refusal {}

/// Why, for programs. New reasons may come: an unknown one reads as [`Reason::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The host is none of ours: say nothing, others may answer.
    NotOurs,
    /// The request is malformed or hostile: say nothing.
    BadRequest,
    /// No account is signed in, or its session has ended.
    NeedsLogin,
    /// The identity provider wants a second factor or a fresh sign-in.
    NeedsInteraction,
    /// Consent of the user or an administrator is missing.
    NeedsConsent,
    /// A policy of the tenant blocks the sign-in (conditional access, device state).
    BlockedByPolicy,
    /// The organisation refuses to issue the key.
    KeyForbidden,
    /// The account is no member of the organisation, or has not the right.
    AccessDenied,
    /// The organisation cannot be told from the request.
    OrganisationUnknown,
    /// The organisation is not one this account was signed in for.
    OrganisationNotAllowed,
    /// The operation is not allowed by this machine's configuration.
    OperationNotAllowed,
    /// A service asked us to slow down.
    Throttled,
    /// A service cannot be reached or answers with errors.
    Unavailable,
    /// The proxy refused or cannot be reached.
    Proxy,
    /// The certificate of a service is not trusted.
    Tls,
    /// The agent is locked.
    Locked,
    /// The place where secrets rest is locked, hung or absent.
    VaultUnavailable,
    /// The configuration is wrong.
    Configuration,
    /// No application is registered to sign in through: no client id is configured and none was given.
    ClientIdMissing,
    /// The person declined, or the time for signing in ran out.
    SignInAbandoned,
    /// Two programs of different versions.
    VersionMismatch,
    /// Too many requests at once; ask again.
    Busy,
    /// The agent is stopping; ask again.
    ShuttingDown,
    /// The connecting user is not the agent's.
    NotPermitted,
    /// A fault of ours.
    Internal,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_reason_is_unknown_and_extra_fields_pass() {
        let wire = r#"{"reason":"eclipsed","sentence":"the sun is gone","shade":3}"#;
        let refusal: Refusal = serde_json::from_str(wire).unwrap();
        assert_eq!(refusal.reason, Reason::Unknown);
        assert_eq!(refusal.hint, "");
    }

    #[test]
    fn reasons_are_kebab_case_on_the_wire() {
        for (reason, wire) in
            [(Reason::NeedsLogin, "\"needs-login\""), (Reason::ClientIdMissing, "\"client-id-missing\"")]
        {
            assert_eq!(serde_json::to_string(&reason).unwrap(), wire);
        }
    }

    #[test]
    fn no_line_can_be_smuggled_into_a_sentence() {
        let refusal = Refusal::new(Reason::Internal, "a\nquit=1", "b\r\npassword=x");
        assert!(!refusal.sentence.contains('\n'));
        assert!(!refusal.hint.contains(['\r', '\n']));
    }
}
