//! What a person reads.

use crate::{SignInErrorKind as Kind, wire::WireError};

/// The sentence and the next step of a kind; with Entra's own words where wanted or where ours do not suffice.
pub(crate) fn of(kind: Kind, wire: &WireError, quote: bool) -> (String, &'static str) {
    let (sentence, hint) = match kind {
        Kind::ClientMisconfigured => of_registration(wire.code),
        Kind::TenantWrong => of_tenant(wire.code),
        kind => plain(kind),
    };
    (with_detail(sentence, wire, quote || quotes_entra(kind)), hint)
}

const LOGIN: &str = "run `valetkey login`";
/// Where the refusal may be for device codes alone.
pub(crate) const DEVICE_CODES_BLOCKED: &str = "many organisations block device codes: sign in without `--device-code` where there is a browser, or ask an administrator";
const AGAIN: &str = "run `valetkey login` again";

fn plain(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::SessionEnded => ("the session with Microsoft Entra has ended", LOGIN),
        Kind::SignInTooOld => ("the organisation asks for a fresh sign-in", LOGIN),
        Kind::NeedsInteraction => {
            ("Microsoft Entra asks for another step by you, such as a second factor", LOGIN)
        }
        Kind::DeviceNotCompliant => (
            "the organisation lets in managed devices only",
            "enrol this device or make it compliant, then run `valetkey login`",
        ),
        Kind::BlockedByPolicy => (
            "a policy of the organisation blocks this sign-in",
            "ask an administrator of the organisation; signing in again does not help",
        ),
        Kind::ConsentMissing => (
            "the application has not been given consent",
            "run `valetkey login` and consent, or ask an administrator to: `valetkey setup entra` prints the text",
        ),
        Kind::AccountDisabled => (
            "the account is disabled",
            "ask an administrator of the organisation; signing in again does not help",
        ),
        Kind::PasswordExpired => ("the password has expired", "run `valetkey login` and set a new one"),
        Kind::ClientUnsupported => (
            "the organisation lets in applications under its protection only",
            "ask an administrator of the organisation to exempt this application",
        ),
        Kind::FlowVoid => ("this sign-in can no longer be completed", AGAIN),
        Kind::ClientUnknown => (
            "the application is not known to this tenant, or may not sign in this way",
            "check `[entra] client-id` and `tenant`; `valetkey setup entra` shows how to register",
        ),
        Kind::ScopeInvalid => (
            "the application may not ask for the right to mint keys",
            "add `vso.pats` and `vso.pats_manage` to the registration; `valetkey setup entra` shows how",
        ),
        Kind::Throttled => ("Microsoft Entra asks to slow down", "try again in a while"),
        Kind::Unavailable => ("Microsoft Entra cannot serve at the moment", "try again in a while"),
        Kind::Declined => ("the sign-in was declined", AGAIN),
        Kind::Expired => ("the time for signing in ran out", AGAIN),
        _ => ("Microsoft Entra does not accept the request", "check `[entra]` in the configuration"),
    }
}

fn of_registration(code: Option<u32>) -> (&'static str, &'static str) {
    match code {
        Some(7_000_218) => (
            "the application is not registered as a public client",
            "set `Allow public client flows` to yes in the registration; `valetkey setup entra` shows how",
        ),
        _ => (
            "the application's registration does not fit a public client",
            "register `http://localhost` under `Mobile and desktop applications`; `valetkey setup entra` shows how",
        ),
    }
}

fn of_tenant(code: Option<u32>) -> (&'static str, &'static str) {
    match code {
        Some(50020 | 50014 | 50034) => (
            "the account is no member of this tenant",
            "sign in with another account, or name its tenant with `valetkey login --tenant`",
        ),
        _ => (
            "the tenant is not known to Microsoft Entra",
            "check `[entra] tenant`, or name one with `valetkey login --tenant`",
        ),
    }
}

/// Where Entra's own words say what ours cannot: which policy, which scope, which field.
fn quotes_entra(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::DeviceNotCompliant
            | Kind::BlockedByPolicy
            | Kind::ClientUnsupported
            | Kind::ClientMisconfigured
            | Kind::ClientUnknown
            | Kind::ScopeInvalid
            | Kind::RequestInvalid
    )
}

fn with_detail(sentence: &str, wire: &WireError, quote: bool) -> String {
    match (wire.code, quote && !wire.sentence.is_empty()) {
        (Some(code), true) => format!("{sentence} (AADSTS{code}: {})", wire.sentence),
        (Some(code), false) => format!("{sentence} (AADSTS{code})"),
        (None, true) => format!("{sentence} ({})", wire.sentence),
        (None, false) => sentence.to_owned(),
    }
}
