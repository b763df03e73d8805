//! Errors of the crates below, as refusals.

use valetkey_http::HttpError;
use valetkey_nuget_org::{KeysError, NoKey, NugetError, NugetErrorKind, PasteError};
use valetkey_protocol::{Reason, Refusal};
use valetkey_vault::VaultError;

pub(super) fn of_keys(error: &KeysError) -> Refusal {
    match error {
        KeysError::Nuget(error) => nuget(error),
        KeysError::Secrets(source) => match source.downcast_ref::<VaultError>() {
            Some(error) => error.refusal(),
            None => Refusal::new(Reason::VaultUnavailable, source.to_string(), ""),
        },
        KeysError::Inventory(_) => Refusal::new(Reason::Internal, error.to_string(), error.hint()),
        _ => Refusal::new(Reason::BadRequest, error.to_string(), error.hint()),
    }
}

pub(super) fn nuget(error: &NugetError) -> Refusal {
    use NugetErrorKind as Kind;
    let reason = match &error.kind {
        Kind::Throttled => Reason::Throttled,
        Kind::Unavailable | Kind::NotNuget | Kind::Malformed => Reason::Unavailable,
        Kind::Http(error) => match **error {
            HttpError::Proxy { .. } => Reason::Proxy,
            HttpError::Tls { .. } => Reason::Tls,
            HttpError::Configuration { .. } => Reason::Configuration,
            _ => Reason::Unavailable,
        },
        Kind::Misuse => Reason::BadRequest,
        _ => Reason::AccessDenied,
    };
    let refusal = Refusal::new(reason, &error.sentence, &error.hint);
    match error.retry_after {
        Some(seconds) => refusal.retry_after(seconds),
        None => refusal,
    }
}

pub(super) fn no_key(error: &NoKey) -> Refusal {
    Refusal::new(Reason::AccessDenied, error.to_string(), error.hint())
}

pub(super) fn pasted(error: &PasteError) -> Refusal {
    Refusal::new(Reason::BadRequest, error.to_string(), error.hint())
}

pub(super) fn unknown() -> Refusal {
    Refusal::new(
        Reason::VersionMismatch,
        "the running agent does not know this request",
        "run `valetkey agent restart`",
    )
}

pub(super) fn locked() -> Refusal {
    Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`")
}

/// A reason as the wire writes it.
pub(super) fn reason(refusal: &Refusal) -> String {
    serde_json::to_value(refusal.reason)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
