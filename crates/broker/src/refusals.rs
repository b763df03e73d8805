//! Errors of the crates below, as what the broker does about them. The sentences are theirs: they know the host.

use valetkey_azure_devops::{DevOpsError, DevOpsErrorKind};
use valetkey_entra::{SignInError, SignInErrorKind};
use valetkey_http::HttpError;
use valetkey_protocol::Reason;

use crate::{Failure, FailureKind};

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        let kind = match (error.kind, error.code) {
            // A member of another tenant may sign in there, and this one elsewhere.
            (SignInErrorKind::TenantWrong, Some(50014 | 50020 | 50034)) => FailureKind::WrongTenant,
            (kind, _) => of_sign_in(kind),
        };
        Self::new(kind, error.refusal()).claims(error.claims)
    }
}

impl From<DevOpsError> for Failure {
    fn from(error: DevOpsError) -> Self {
        let may = error.may_have_committed();
        Self::new(of_devops(&error.kind, error.reason()), error.refusal())
            .claims(error.claims)
            .may_have_committed(may)
    }
}

fn of_sign_in(kind: SignInErrorKind) -> FailureKind {
    use SignInErrorKind as Kind;
    match kind {
        Kind::SessionEnded | Kind::SignInTooOld | Kind::FlowVoid => FailureKind::SessionEnded,
        // What is known of the device comes with a sign-in, not with a refresh.
        Kind::NeedsInteraction | Kind::ConsentMissing | Kind::PasswordExpired | Kind::DeviceNotCompliant => {
            FailureKind::Interaction
        }
        Kind::Throttled | Kind::Unavailable | Kind::TimedOut | Kind::Proxy | Kind::Tls | Kind::Malformed => {
            FailureKind::Transient
        }
        _ => FailureKind::Final,
    }
}

fn of_devops(kind: &DevOpsErrorKind, reason: Reason) -> FailureKind {
    use DevOpsErrorKind as Kind;
    match kind {
        Kind::Unauthorized | Kind::SignInPage => FailureKind::TokenRejected,
        Kind::InsufficientClaims => FailureKind::Claims,
        Kind::WrongTenant => FailureKind::WrongTenant,
        Kind::Throttled | Kind::Unavailable | Kind::Malformed => FailureKind::Transient,
        Kind::Forbidden(_) if reason == Reason::Unavailable => FailureKind::Transient,
        Kind::Http(error) if !matches!(**error, HttpError::Configuration { .. }) => FailureKind::Transient,
        _ => FailureKind::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_sign_in_error_has_its_treatment() {
        use SignInErrorKind as Kind;
        for (kind, treatment, reason) in [
            (Kind::SessionEnded, FailureKind::SessionEnded, Reason::NeedsLogin),
            (Kind::SignInTooOld, FailureKind::SessionEnded, Reason::NeedsInteraction),
            (Kind::FlowVoid, FailureKind::SessionEnded, Reason::NeedsLogin),
            (Kind::NeedsInteraction, FailureKind::Interaction, Reason::NeedsInteraction),
            (Kind::PasswordExpired, FailureKind::Interaction, Reason::NeedsInteraction),
            (Kind::ConsentMissing, FailureKind::Interaction, Reason::NeedsConsent),
            (Kind::DeviceNotCompliant, FailureKind::Interaction, Reason::BlockedByPolicy),
            (Kind::BlockedByPolicy, FailureKind::Final, Reason::BlockedByPolicy),
            (Kind::ClientUnsupported, FailureKind::Final, Reason::BlockedByPolicy),
            (Kind::AccountDisabled, FailureKind::Final, Reason::BlockedByPolicy),
            (Kind::ClientMisconfigured, FailureKind::Final, Reason::Configuration),
            (Kind::ClientUnknown, FailureKind::Final, Reason::Configuration),
            (Kind::ScopeInvalid, FailureKind::Final, Reason::Configuration),
            (Kind::TenantWrong, FailureKind::Final, Reason::Configuration),
            (Kind::RequestInvalid, FailureKind::Final, Reason::Configuration),
            (Kind::Misconfigured, FailureKind::Final, Reason::Configuration),
            (Kind::ClientIdMissing, FailureKind::Final, Reason::ClientIdMissing),
            (Kind::Throttled, FailureKind::Transient, Reason::Throttled),
            (Kind::Unavailable, FailureKind::Transient, Reason::Unavailable),
            (Kind::TimedOut, FailureKind::Transient, Reason::Unavailable),
            (Kind::Malformed, FailureKind::Transient, Reason::Unavailable),
            (Kind::Proxy, FailureKind::Transient, Reason::Proxy),
            (Kind::Tls, FailureKind::Transient, Reason::Tls),
            (Kind::Declined, FailureKind::Final, Reason::SignInAbandoned),
            (Kind::Expired, FailureKind::Final, Reason::SignInAbandoned),
            (Kind::StateMismatch, FailureKind::Final, Reason::SignInAbandoned),
        ] {
            let error = SignInError {
                kind,
                sentence: "what".to_owned(),
                hint: "next".to_owned(),
                code: Some(50076),
                claims: Some("{}".to_owned()),
                retry_after: Some(7),
                correlation_id: None,
            };
            let failure = Failure::from(error);
            assert_eq!((failure.kind, failure.refusal.reason), (treatment, reason), "{kind:?}");
            assert_eq!((failure.refusal.sentence.as_str(), failure.refusal.hint.as_str()), ("what", "next"));
            assert_eq!((failure.claims.as_deref(), failure.refusal.retry_after), (Some("{}"), Some(7)));
            assert!(!failure.may_have_committed);
        }
    }

    #[test]
    fn every_kind_of_devops_error_has_its_treatment() {
        use DevOpsErrorKind as Kind;
        for (kind, reason, treatment) in [
            (Kind::Unauthorized, Reason::NeedsLogin, FailureKind::TokenRejected),
            (Kind::SignInPage, Reason::NeedsLogin, FailureKind::TokenRejected),
            (Kind::InsufficientClaims, Reason::NeedsInteraction, FailureKind::Claims),
            (Kind::WrongTenant, Reason::NeedsLogin, FailureKind::WrongTenant),
            (Kind::Throttled, Reason::Throttled, FailureKind::Transient),
            (Kind::Unavailable, Reason::Unavailable, FailureKind::Transient),
            (Kind::Malformed, Reason::Unavailable, FailureKind::Transient),
            (Kind::BadRequest, Reason::Unavailable, FailureKind::Final),
            (Kind::MicrosoftAccount, Reason::AccessDenied, FailureKind::Final),
            (Kind::NeverSignedIn, Reason::AccessDenied, FailureKind::Final),
            (Kind::ConditionalAccess, Reason::BlockedByPolicy, FailureKind::Final),
            (Kind::NotAPerson, Reason::KeyForbidden, FailureKind::Final),
            (Kind::AccessDenied, Reason::AccessDenied, FailureKind::Final),
            (Kind::NotFound, Reason::OrganisationUnknown, FailureKind::Final),
            (Kind::Misuse, Reason::OrganisationUnknown, FailureKind::Final),
        ] {
            assert_eq!(of_devops(&kind, reason), treatment, "{kind:?}");
        }
    }
}
