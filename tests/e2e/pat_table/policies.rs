//! What a 200 says that is none (Microsoft: PAT Lifecycle Management API, `patTokenError`).

use serde_json::json;

use super::row::{Row, post, posting, refused, row};
use valetkey_emulator::{Action, CreationRefusal};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = policies();
    rows.extend(names());
    rows
}

fn policies() -> Vec<Row> {
    vec![
        row("the tenant limits lives to 7 days", "200, an earlier `validTo`", |rig| {
            rig.control().set_policy("contoso", json!({"max-lifespan-days": 7}))
        }),
        row("creation is restricted", "200, `disablePatCreationPolicyViolation`", |rig| {
            rig.control().set_policy("contoso", json!({"restrict-creation": "all"}))
        }),
        row("only packaging scopes are allowed", "200, `disablePatCreationPolicyViolation`", |rig| {
            rig.control().set_policy("contoso", json!({"restrict-creation": "all-but-packaging"}))
        }),
        row("creation is restricted, said in another way", "403, a JSON error object", |rig| {
            rig.control().switch(|it| it.creation_refusal = CreationRefusal::Forbidden);
            rig.control().set_policy("contoso", json!({"restrict-creation": "all"}))
        }),
        row("the same, with other capitals", "200, `DisablePatCreationPolicyViolation`", |rig| {
            rig.control().switch(|it| it.pascal_case_errors = true);
            rig.control().set_policy("contoso", json!({"restrict-creation": "all"}))
        }),
        row("the same, with the message of a later version", "200, a `patTokenErrorMessage`", |rig| {
            let message = json!({"patTokenErrorMessage": "Ask {somebody} for token=secret."});
            rig.control().fault(posting(Action::Merge { patch: message }));
            rig.control().set_policy("contoso", json!({"restrict-creation": "all"}))
        }),
        post(
            "the same as other doors of the service say it",
            "400, `message`: `DisablePatCreationPolicyViolation`",
            Action::exception(400, "VssServiceException", "DisablePatCreationPolicyViolation"),
        ),
    ]
}

fn names() -> Vec<Row> {
    vec![
        refused("creation is restricted, to the letter", &["disablePatCreationPolicyViolation"]),
        refused("a life that is too long is refused", &["patLifespanPolicyViolation"]),
        refused("full scope is forbidden", &["fullScopePatPolicyViolation"]),
        refused(
            "tokens for all organisations are forbidden, or have ended",
            &["globalPatPolicyViolation", "globalPATCreationBlocked"],
        ),
        refused("the account may not manage tokens", &["accessDenied"]),
        refused("the scope is not known", &["invalidScope"]),
        refused("the end is not taken", &["invalidValidTo"]),
        refused("the name is not taken", &["invalidDisplayName", "displayNameRequired"]),
        refused("the account is no person", &["invalidUserType", "invalidUserId", "userIdRequired"]),
        refused("the application is not taken", &["invalidClient", "invalidClientId", "invalidClientType"]),
        refused("the address on the network is not taken", &["invalidSourceIP"]),
        refused("the tenant's policy cannot be read", &["failedToReadTenantPolicy"]),
        refused("the organisation's policy cannot be read", &["failedToReadOrgPolicy"]),
        refused("the token could not be issued", &["failedToIssueAccessToken", "duplicateHash"]),
        refused("a policy for keys of SSH", &["sshPolicyDisabled"]),
        refused(
            "names that fit no request of ours, and one of a later version",
            &[
                "invalidTargetAccounts",
                "hostAuthorizationNotFound",
                "authorizationNotFound",
                "sourceNotSupported",
                "invalidSource",
                "invalidToken",
                "tokenNotFound",
                "invalidAuthorizationId",
                "invalidTokenType",
                "invalidAudience",
                "invalidSubject",
                "deploymentHostNotSupported",
                "tokensAreHistory",
            ],
        ),
    ]
}
