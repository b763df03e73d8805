//! Entra's error answers (Microsoft: "Microsoft Entra authentication and authorization error codes").

use serde_json::{Value, json};

use crate::{answer::Answer, world::World};

/// One refusal of the token or device code endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraError {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) suberror: Option<&'static str>,
    pub(crate) code: u32,
    pub(crate) text: String,
    /// A JSON document as text, as Entra sends it.
    pub(crate) claims: Option<String>,
}

/// Name, `error`, `suberror`, AADSTS number, text.
const TABLE: &[(&str, &str, &str, u32, &str)] = &[
    (
        "bad_token",
        "invalid_grant",
        "bad_token",
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    ("idle", "invalid_grant", "bad_token", 700_082, "The refresh token has expired due to inactivity."),
    (
        "spa_expired",
        "invalid_grant",
        "bad_token",
        700_084,
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00.",
    ),
    (
        "not_in_tenant",
        "invalid_grant",
        "bad_token",
        50034,
        "The user account does not exist in the directory.",
    ),
    (
        "guest_missing",
        "invalid_request",
        "",
        50020,
        "User account from identity provider does not exist in tenant and cannot access the application in that tenant.",
    ),
    (
        "token_expired",
        "invalid_grant",
        "token_expired",
        70043,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    (
        "basic_action",
        "interaction_required",
        "basic_action",
        50076,
        "Due to a configuration change made by your administrator, you must use multi-factor authentication.",
    ),
    (
        "additional_action",
        "interaction_required",
        "additional_action",
        53000,
        "Your device is required to be compliant to access this resource.",
    ),
    (
        "message_only",
        "invalid_grant",
        "message_only",
        53003,
        "Access has been blocked by Conditional Access policies.",
    ),
    (
        "consent_required",
        "invalid_grant",
        "consent_required",
        65001,
        "The user or administrator has not consented to use the application.",
    ),
    ("user_password_expired", "invalid_grant", "user_password_expired", 50055, "The password is expired."),
    ("user_disabled", "invalid_grant", "", 50057, "The user account is disabled."),
    ("client_mismatch", "invalid_grant", "client_mismatch", 70000, "Provided grant is invalid or malformed."),
    ("malformed_grant", "invalid_grant", "", 70000, "Provided grant is invalid or malformed."),
    (
        "code_reused",
        "invalid_grant",
        "",
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
    (
        "code_expired",
        "invalid_grant",
        "",
        70008,
        "The provided authorization code or refresh token has expired due to inactivity.",
    ),
    (
        "wrong_verifier",
        "invalid_grant",
        "",
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    (
        "redirect_mismatch",
        "invalid_grant",
        "",
        500_112,
        "The reply address does not match the reply address provided when requesting the authorization code.",
    ),
    (
        "not_public",
        "invalid_client",
        "",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    (
        "secret_on_public",
        "invalid_client",
        "",
        700_025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    ("wrong_secret", "invalid_client", "", 7_000_215, "Invalid client secret provided."),
    (
        "invalid_client",
        "invalid_client",
        "",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    ("unknown_app", "unauthorized_client", "", 700_016, "Application was not found in the directory."),
    (
        "invalid_scope",
        "invalid_scope",
        "",
        70011,
        "The provided value for the input parameter 'scope' is not valid.",
    ),
    (
        "unknown_permission",
        "invalid_scope",
        "",
        650_053,
        "The application asked for a scope that doesn't exist on the resource.",
    ),
    (
        "invalid_resource",
        "invalid_resource",
        "",
        500_011,
        "The resource principal was not found in the tenant.",
    ),
    (
        "missing_parameter",
        "invalid_request",
        "",
        900_144,
        "The request body must contain the required parameter.",
    ),
    (
        "tenant_not_found",
        "invalid_request",
        "",
        90002,
        "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
    (
        "zero_tenant",
        "invalid_request",
        "",
        900_021,
        "Requested tenant identifier '00000000-0000-0000-0000-000000000000' is not valid.",
    ),
    (
        "invalid_tenant",
        "invalid_tenant",
        "",
        90002,
        "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
    (
        "unsupported_grant",
        "unsupported_grant_type",
        "",
        70003,
        "The app requested an unsupported grant type.",
    ),
    (
        "pkce_required",
        "invalid_request",
        "",
        9_002_325,
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
    ),
    (
        "authorization_pending",
        "authorization_pending",
        "",
        70016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    ("slow_down", "slow_down", "", 70016, "OAuth 2.0 device flow error. Polling too fast."),
    (
        "authorization_declined",
        "authorization_declined",
        "",
        70018,
        "The end user denied the authorization request.",
    ),
    ("bad_verification_code", "bad_verification_code", "", 70018, "Invalid verification code."),
    (
        "expired_token",
        "expired_token",
        "",
        70020,
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    ),
    (
        "loop",
        "invalid_grant",
        "",
        50196,
        "The server terminated an operation because it encountered a client request loop.",
    ),
    (
        "temporarily_unavailable",
        "temporarily_unavailable",
        "",
        90033,
        "A transient error has occurred. Please try again.",
    ),
    (
        "federation_missing",
        "invalid_client",
        "",
        70021,
        "No matching federated identity record found for presented assertion.",
    ),
    (
        "federation_issuer",
        "invalid_client",
        "",
        700_211,
        "No matching federated identity record found for presented assertion issuer.",
    ),
    (
        "federation_audience",
        "invalid_client",
        "",
        700_212,
        "No matching federated identity record found for presented assertion audience.",
    ),
    (
        "federation_subject",
        "invalid_client",
        "",
        700_213,
        "No matching federated identity record found for presented assertion subject.",
    ),
    (
        "assertion_expired",
        "invalid_client",
        "",
        700_024,
        "Client assertion is not within its valid time range.",
    ),
    // Not Entra's words: a client that asks each time is never told so.
    ("assertion_replayed", "invalid_client", "", 700_024, "Client assertion was shown before."),
    ("assertion_malformed", "invalid_client", "", 50027, "JWT token is invalid or malformed."),
    (
        "certificate_unknown",
        "invalid_client",
        "",
        700_027,
        "The certificate with identifier used to sign the client assertion is not registered on application.",
    ),
    ("external", "invalid_grant", "basic_action", 50158, "External security challenge not satisfied."),
];

impl EntraError {
    /// The error of that name in the table; `None` when there is none.
    pub(crate) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.0 == name).map(|&(_, error, suberror, code, text)| Self {
            status: match error {
                "invalid_client" => 401,
                "temporarily_unavailable" => 503,
                _ => 400,
            },
            error,
            suberror: (!suberror.is_empty()).then_some(suberror),
            code,
            text: text.to_owned(),
            claims: None,
        })
    }

    /// The error of that name, which the emulator's own code spells right.
    pub(crate) fn of(name: &str) -> Self {
        let unknown = || Self {
            status: 500,
            error: "server_error",
            suberror: None,
            code: 90100,
            text: format!("the emulator has no error named `{name}`"),
            claims: None,
        };
        Self::find(name).unwrap_or_else(unknown)
    }

    pub(crate) fn with_claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// The nine-field answer.
    pub(crate) fn answer(&self, world: &mut World) -> Answer {
        let trace = world.random.guid();
        let correlation = world.random.guid();
        let stamp = world.now().entra();
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}",
                self.code, self.text
            ),
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={}", world.urls.login, self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = Value::from(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = Value::from(claims.as_str());
        }
        let telemetry = format!("1,{},0,,", self.code);
        Answer::json(self.status, &body).header("x-ms-clitelem", &telemetry)
    }
}

/// The claims that name a Conditional Access policy, as Entra sends them with a refusal.
pub(crate) fn policy_claims(policy: &str) -> String {
    json!({"access_token": {"capolids": {"essential": true, "values": [policy]}}}).to_string()
}

/// What every answer of Entra carries.
pub(crate) fn with_common_headers(world: &mut World, mut answer: Answer) -> Answer {
    answer.set("cache-control", "no-store, no-cache");
    answer.set("pragma", "no-cache");
    let request_id = world.random.guid();
    answer.set("x-ms-request-id", &request_id);
    answer.set("x-ms-ests-server", "2.1.0 - EMULATOR");
    // Not Entra's `Strict-Transport-Security`: on `localhost` it would bind every other service of the machine.
    answer
        .header("set-cookie", "fpc=emulator; path=/; secure; HttpOnly; SameSite=None")
        .header("set-cookie", "stsservicecookie=estsfd; path=/; secure; HttpOnly; SameSite=None")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.0 == row.0).count(), 1, "{}", row.0);
        }
        assert_eq!(EntraError::of("nonsense").status, 500);
        assert_eq!(EntraError::of("not_public").status, 401);
    }
}
