//! Refusals of Microsoft Entra ("Microsoft Entra authentication and authorization error codes").

use valetkey_emulator::Action;

use super::row::{Case, Row, entra, refreshing};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = people();
    rows.extend(applications());
    rows.extend(trouble());
    rows
}

fn people() -> Vec<Row> {
    vec![
        entra(
            "the sign-in was revoked, the password changed, it was idle for 90 days, or the user left the tenant",
            "`invalid_grant`, `bad_token`",
            &[("bad_token", 50173), ("idle", 700_082), ("not_in_tenant", 50034), ("spa_expired", 700_084)],
        ),
        entra(
            "the same without a suberror",
            "`invalid_grant`",
            &[("code_expired", 70008), ("malformed_grant", 70000)],
        ),
        entra(
            "the sign-in frequency is over",
            "`invalid_grant`, `token_expired`",
            &[("token_expired", 70043), ("sign_in_by_another_rule", 70044)],
        ),
        entra(
            "another step is wanted",
            "`interaction_required`, `basic_action`",
            &[("basic_action", 50076), ("second_factor_expired", 50078), ("second_factor_setup", 50079)],
        ),
        entra("a step outside Microsoft Entra", "`invalid_grant`, `basic_action`", &[("external", 50158)]),
        entra(
            "the device is not managed",
            "`interaction_required`, `additional_action`",
            &[("additional_action", 53000), ("device_not_joined", 53001)],
        ),
        entra("blocked by Conditional Access", "`invalid_grant`, `message_only`", &[("message_only", 53003)]),
        entra("the user is disabled", "`invalid_grant`", &[("user_disabled", 50057)]),
        entra(
            "consent is missing",
            "`invalid_grant`, `consent_required`",
            &[("consent_required", 65001), ("consent_declined", 65004)],
        ),
        entra(
            "the password has expired",
            "`invalid_grant`, `user_password_expired`",
            &[("user_password_expired", 50055)],
        ),
        entra(
            "the user is not in the tenant",
            "`invalid_request`",
            &[("guest_missing", 50020), ("user_unknown_to_tenant", 50014), ("account_unknown", 50034)],
        ),
    ]
}

fn applications() -> Vec<Row> {
    vec![
        entra(
            "a broker of Microsoft's is wanted",
            "`invalid_grant`, `client_mismatch`, `protection_policy_required` or `device_authentication_failed`",
            &[
                ("client_mismatch", 70000),
                ("protection_policy_required", 53005),
                ("device_authentication_failed", 50097),
            ],
        ),
        entra("the application is no public client", "`invalid_client`", &[("not_public", 7_000_218)]),
        entra(
            "the application is registered in another way",
            "`invalid_client`",
            &[("secret_on_public", 700_025), ("wrong_secret", 7_000_215), ("secret_expired", 7_000_222)],
        ),
        entra("the application is not in the tenant", "`unauthorized_client`", &[("unknown_app", 700_016)]),
        entra(
            "the application may not ask for this",
            "`invalid_scope` or `invalid_resource`",
            &[("invalid_scope", 70011), ("unknown_permission", 650_053), ("invalid_resource", 500_011)],
        ),
        entra(
            "the tenant is not there",
            "`invalid_request` or `invalid_tenant`",
            &[("tenant_not_found", 90002), ("invalid_tenant", 90002), ("zero_tenant", 900_021)],
        ),
        entra(
            "the request is not understood",
            "`invalid_request` or `unsupported_grant_type`",
            &[("missing_parameter", 900_144), ("unsupported_grant", 70003), ("surprise", 99999)],
        ),
    ]
}

fn trouble() -> Vec<Row> {
    let fault = |situation, says, action: Action| Row {
        situation,
        says,
        cases: vec![Case::fault("", refreshing(action))],
    };
    vec![
        entra(
            "Microsoft Entra cannot serve",
            "503, `temporarily_unavailable`",
            &[("temporarily_unavailable", 90033), ("overloaded", 90100)],
        ),
        entra("Microsoft Entra was asked in a circle", "`invalid_grant`", &[("loop", 50196)]),
        fault("Microsoft Entra was asked too much", "429, `Retry-After: 120`", Action::throttle(120)),
        fault("Microsoft Entra has a fault", "500, a page", Action::status(500)),
        fault("a page in place of Microsoft Entra", "200, HTML", Action::Html),
        fault("Microsoft Entra ends the connection", "the connection ends", Action::Reset),
    ]
}
