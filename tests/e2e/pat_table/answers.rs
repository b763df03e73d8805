//! Answers that are no success (Microsoft: PAT Lifecycle Management API; statuses and bodies as recorded).

use serde_json::json;
use valetkey_emulator::{Action, TENANT_RESOURCE, TENANT_ZERO};

use super::row::{Row, post, posting, posts, row};

const UNAUTHORIZED: &str = "TF400813: The user 'alice' is not authorized to access this resource.";
const NEVER_OPENED: &str =
    "TF401444: Please sign-in at least once as 7e4a\\alice@contoso.example in a web browser.";
const CONDITIONAL: &str = "VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed.";
const NO_PERSON: &str = "Service principals are not allowed to perform this action.";
const NOT_ALLOWED: &str = "The requested operation is not allowed.";
const INTERNAL: &str =
    "TF400898: An Internal Error Occurred. Activity Id: 2f1c8f3e-0f4c-4a55-bb7e-d2f2c7a8c1f0.";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = broken();
    rows.extend(told());
    rows.extend(elsewhere());
    rows
}

/// Told by status, shape or silence.
fn broken() -> Vec<Row> {
    vec![
        post("too much was asked", "429, `TF400733`, `Retry-After: 120`", Action::throttle(120)),
        post("the service has a fault", "503", Action::status(503)),
        post("a gateway ran out of time", "504", Action::status(504)),
        post("access is denied", "403, a page", Action::status(403)),
        post("a sign-in page in place of an answer", "203, HTML", Action::SignInPage),
        post("another page in place of an answer", "200, HTML", Action::Html),
        post(
            "a redirect",
            "302 to another host",
            Action::Redirect { to: "https://evil.example/".to_owned() },
        ),
        post("half an answer", "200, cut off", Action::Truncated),
        post("an answer of 10 MB", "200, 10 MB", Action::BigBody { bytes: 10 << 20 }),
        post("no answer, nothing done", "the connection ends", Action::Reset),
        post(
            "no answer, token made",
            "the connection ends after the token was made",
            Action::ResetAfterCommit,
        ),
        post(
            "a success without a token's value",
            "200, `token: null`",
            Action::Merge { patch: json!({"patToken": {"token": null}}) },
        ),
        post("an answer after a byte order mark", "200, a token", Action::Bom),
        post(
            "an answer of a later version",
            "200, a token, fields that nobody knows",
            Action::Merge {
                patch: json!({"patTokenErrorMessage": "", "more": {}, "patToken": {"more": [1], "targetAccounts": null}}),
            },
        ),
        post("the organisation is not there", "404", Action::status(404)),
    ]
}

/// Told by the text: Microsoft documents no status for these.
fn told() -> Vec<Row> {
    let both = |type_key: &str, message: &str| {
        [
            Action::exception(401, type_key, message),
            Action::exception(403, type_key, message),
            Action::service_error(401, message),
        ]
    };
    vec![
        posts(
            "the sign-in is refused",
            "401, `TF400813` in the body or the header",
            [
                Action::exception(401, "UnauthorizedRequestException", UNAUTHORIZED),
                Action::exception(401, "InvalidIdentityException", UNAUTHORIZED),
                Action::service_error(401, UNAUTHORIZED),
            ],
        ),
        post("the sign-in is not known", "401, the challenges for strangers", Action::Anonymous),
        posts(
            "the account never opened the organisation",
            "401 or 403, `TF401444` in the body or the header",
            both("UnauthorizedRequestException", NEVER_OPENED),
        ),
        row("the account is no member", "401, `TF401444`", |rig| {
            rig.control().remove_member("contoso", "alice")
        }),
        posts(
            "Azure DevOps applies Conditional Access",
            "401 or 403, `VS403463` in the body or the header",
            both("VssServiceException", CONDITIONAL),
        ),
        posts(
            "the account is an application's or a machine's",
            "401 or 403, `InvalidAccessException`, `Service principals are not allowed …`",
            both("InvalidAccessException", NO_PERSON),
        ),
        posts(
            "a PAT in place of a sign-in, or another thing that is not for this account",
            "401 or 403, `InvalidAccessException`, `The requested operation is not allowed.`",
            both("InvalidAccessException", NOT_ALLOWED),
        ),
        post(
            "the body is no JSON to the service",
            "400, `TF400898`, `JsonReaderException`",
            Action::exception(400, "JsonReaderException", INTERNAL),
        ),
        post("a refusal without a word", "400, a page", Action::status(400)),
        post(
            "further proof is wanted, and again",
            "401, `insufficient_claims`",
            Action::InsufficientClaims {
                claims: r#"{"access_token":{"nbf":{"essential":true}}}"#.to_owned(),
            },
        ),
    ]
}

/// The organisation belongs elsewhere than when it was signed in for.
fn elsewhere() -> Vec<Row> {
    vec![
        row("the organisation moved to another tenant", "401, `TF400813`", |rig| {
            rig.control().connect("contoso", TENANT_RESOURCE)
        }),
        row("the same, and the organisation says so", "401, another tenant in the challenge", |rig| {
            rig.control().fault(posting(Action::Anonymous));
            rig.control().connect("contoso", TENANT_RESOURCE)
        }),
        row("the organisation was cut off from Microsoft Entra", "401, a tenant of zeros", |rig| {
            rig.control().connect("contoso", TENANT_ZERO)
        }),
    ]
}
