//! From an error on the wire to a kind, a sentence and a next step.

use valetkey_http::StatusCode;

use crate::{SignInError, SignInErrorKind as Kind, identity::Foreign, tokens::Unreadable, wire::WireError};

pub(crate) mod words;

/// What was asked for: the same error means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// A redirect with an error, instead of a code.
    Redirect,
    /// A code for tokens.
    Code,
    /// A device code, or tokens for it.
    Device,
    /// A refresh token for tokens.
    Refresh,
}

/// Where a 429 does not say how long, in seconds; MSAL.NET waits as long.
const THROTTLED_FOR: u64 = 60;

/// What an answer that is not a success means.
pub(crate) fn failure(
    status: StatusCode,
    body: &[u8],
    wait: Option<u64>,
    grant: Grant,
    host: &str,
) -> SignInError {
    let Some(wire) = WireError::parse(body) else { return speechless(status, wait, host) };
    let mut error = explained(&wire, kind(status, &wire, grant), wait, false);
    if (error.kind, grant) == (Kind::BlockedByPolicy, Grant::Device) {
        // Microsoft advises tenants to block this way in (Conditional Access: authentication flows).
        words::DEVICE_CODES_BLOCKED.clone_into(&mut error.hint);
    }
    error
}

/// What an error on the redirect means.
pub(crate) fn redirected(wire: &WireError) -> SignInError {
    explained(wire, kind(StatusCode::BAD_REQUEST, wire, Grant::Redirect), None, true)
}

/// What a success without tokens means.
pub(crate) fn unreadable(why: &Unreadable, host: &str) -> SignInError {
    match why {
        Unreadable::NotTokens => malformed(host),
        Unreadable::Foreign(Foreign::Nonce) => SignInError::new(
            Kind::StateMismatch,
            format!("the answer of `{host}` belongs to another sign-in"),
            "run `valetkey login` again",
        ),
        Unreadable::Foreign(Foreign::Audience) => SignInError::new(
            Kind::Malformed,
            format!("the answer of `{host}` is for another application"),
            "check `[entra] client-id`, and that no gateway answers in the host's place",
        ),
        Unreadable::Foreign(Foreign::Tenant) => SignInError::new(
            Kind::TenantWrong,
            format!("the answer of `{host}` is of another tenant"),
            "check `[entra] tenant`, or name the tenant with `valetkey login --tenant`",
        ),
    }
}

pub(crate) fn malformed(host: &str) -> SignInError {
    SignInError::new(
        Kind::Malformed,
        format!("`{host}` does not answer as Microsoft Entra does"),
        "check `[network] proxy` and `[entra] authority`: a gateway may answer in its place",
    )
}

fn explained(wire: &WireError, kind: Kind, wait: Option<u64>, quote: bool) -> SignInError {
    let (sentence, hint) = words::of(kind, wire, quote);
    let mut error = SignInError::new(kind, sentence, hint);
    error.code = wire.code;
    error.claims.clone_from(&wire.claims);
    error.correlation_id.clone_from(&wire.correlation_id);
    error.retry_after = wait.or((kind == Kind::Throttled).then_some(THROTTLED_FOR));
    error
}

/// An answer that is no error of Entra's: of a gateway, or of Entra in trouble.
fn speechless(status: StatusCode, wait: Option<u64>, host: &str) -> SignInError {
    let (kind, what) = match status {
        StatusCode::TOO_MANY_REQUESTS => (Kind::Throttled, "asks to slow down"),
        status if status.is_server_error() => (Kind::Unavailable, "cannot serve at the moment"),
        _ => return malformed(host),
    };
    let mut error =
        SignInError::new(kind, format!("`{host}` {what} ({})", status.as_u16()), "try again in a while");
    error.retry_after = wait.or((kind == Kind::Throttled).then_some(THROTTLED_FOR));
    error
}

fn kind(status: StatusCode, wire: &WireError, grant: Grant) -> Kind {
    let code = wire.code.unwrap_or_default();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Kind::Throttled;
    }
    let faulty = matches!(wire.error.as_str(), "temporarily_unavailable" | "server_error");
    if faulty || status.is_server_error() {
        return Kind::Unavailable;
    }
    // Numbers that outweigh what else is said, whatever that is.
    if let Some(kind @ (Kind::Throttled | Kind::Unavailable | Kind::AccountDisabled)) = of_code(code) {
        return kind;
    }
    of_suberror(&wire.suberror).unwrap_or_else(|| of_error(&wire.error, code, grant))
}

fn of_suberror(suberror: &str) -> Option<Kind> {
    Some(match suberror {
        "bad_token" => Kind::SessionEnded,
        "token_expired" => Kind::SignInTooOld,
        "basic_action" => Kind::NeedsInteraction,
        "additional_action" => Kind::DeviceNotCompliant,
        "message_only" => Kind::BlockedByPolicy,
        "consent_required" => Kind::ConsentMissing,
        "user_password_expired" => Kind::PasswordExpired,
        "client_mismatch" | "protection_policy_required" | "device_authentication_failed" => {
            Kind::ClientUnsupported
        }
        _ => return None,
    })
}

fn of_error(error: &str, code: u32, grant: Grant) -> Kind {
    match error {
        "invalid_grant" => of_code(code).unwrap_or(match grant {
            Grant::Refresh => Kind::SessionEnded,
            _ => Kind::FlowVoid,
        }),
        "interaction_required" | "login_required" => of_code(code).unwrap_or(Kind::NeedsInteraction),
        "consent_required" => Kind::ConsentMissing,
        "access_denied" | "authorization_declined" => of_code(code).unwrap_or(Kind::Declined),
        "expired_token" | "code_expired" => Kind::Expired,
        "bad_verification_code" => Kind::FlowVoid,
        "invalid_client" => Kind::ClientMisconfigured,
        "unauthorized_client" => Kind::ClientUnknown,
        "invalid_scope" | "invalid_resource" => Kind::ScopeInvalid,
        _ if matches!(code, 90002 | 900_021 | 50020 | 50014 | 50034) => Kind::TenantWrong,
        _ => of_code(code).unwrap_or(Kind::RequestInvalid),
    }
}

/// The numbers after `AADSTS` that mean something here.
static CODES: [(&[u32], Kind); 15] = [
    (&[50173, 50034, 700_082, 70008], Kind::SessionEnded),
    (&[70043, 70044], Kind::SignInTooOld),
    (&[50076, 50078, 50079, 50158], Kind::NeedsInteraction),
    (&[53000, 53001], Kind::DeviceNotCompliant),
    (&[53003], Kind::BlockedByPolicy),
    (&[65001, 65004], Kind::ConsentMissing),
    (&[50055], Kind::PasswordExpired),
    (&[50057], Kind::AccountDisabled),
    (&[54005, 501_481], Kind::FlowVoid),
    (
        &[7_000_218, 700_025, 7_000_215, 7_000_222, 70021, 700_211, 700_212, 700_213, 700_024, 700_027],
        Kind::ClientMisconfigured,
    ),
    (&[700_016], Kind::ClientUnknown),
    (&[70011, 650_053, 500_011], Kind::ScopeInvalid),
    (&[90002, 900_021, 50020, 50014], Kind::TenantWrong),
    (&[50196], Kind::Throttled),
    (&[90033, 90100], Kind::Unavailable),
];

/// By the number, where no `suberror` is given: numbers are for people and no contract, but better than nothing.
pub(crate) fn of_code(code: u32) -> Option<Kind> {
    CODES.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, kind)| *kind)
}

/// Every number after `AADSTS` that means something here.
pub fn known_codes() -> impl Iterator<Item = u32> {
    CODES.iter().flat_map(|(codes, _)| codes.iter().copied())
}

#[cfg(test)]
mod tests;
