use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::error_body;

fn said(status: u16, body: &Value, grant: Grant) -> SignInError {
    let status = StatusCode::from_u16(status).unwrap();
    failure(status, body.to_string().as_bytes(), None, grant, "login.microsoftonline.com")
}

/// Every row of errors that Entra is known to answer with, and what a person reads.
#[test]
fn each_error_has_its_kind_its_sentence_and_its_next_step() {
    let mut table = Vec::new();
    for (error, suberror, code, text) in [
        ("invalid_grant", "bad_token", 50173, "The provided grant has expired due to it being revoked"),
        ("invalid_grant", "bad_token", 50034, "The user account does not exist in the directory"),
        ("invalid_grant", "bad_token", 700_082, "The refresh token has expired due to inactivity"),
        ("invalid_grant", "bad_token", 70008, "The refresh token has expired"),
        (
            "invalid_grant",
            "token_expired",
            70043,
            "The refresh token has expired due to sign-in frequency checks",
        ),
        ("invalid_grant", "basic_action", 50076, "You must use multi-factor authentication"),
        ("interaction_required", "basic_action", 50079, "You must enroll in multi-factor authentication"),
        ("interaction_required", "basic_action", 50158, "External security challenge not satisfied"),
        ("invalid_grant", "additional_action", 53000, "Your device is required to be compliant"),
        ("interaction_required", "additional_action", 53001, "Your device is required to be managed"),
        ("invalid_grant", "message_only", 53003, "Access has been blocked by Conditional Access policies"),
        ("invalid_grant", "consent_required", 65001, "The user or administrator has not consented"),
        ("invalid_grant", "consent_required", 65004, "User declined to consent to access the app"),
        ("invalid_grant", "user_password_expired", 50055, "The password is expired"),
        ("invalid_grant", "", 50057, "The user account is disabled"),
        ("invalid_grant", "bad_token", 50057, "The user account is disabled"),
        ("invalid_grant", "client_mismatch", 700_001, "The client does not match"),
        ("invalid_grant", "protection_policy_required", 53005, "Intune policy is required"),
        ("invalid_grant", "device_authentication_failed", 50097, "Device authentication is required"),
        (
            "invalid_client",
            "",
            7_000_218,
            "The request body must contain: 'client_assertion' or 'client_secret'",
        ),
        ("invalid_client", "", 700_025, "Client is public so a secret should not be presented"),
        ("invalid_client", "", 7_000_215, "Invalid client secret provided"),
        ("invalid_client", "", 7_000_222, "The provided client secret keys are expired"),
        ("unauthorized_client", "", 700_016, "Application was not found in the directory"),
        ("invalid_scope", "", 70011, "The provided value for the input parameter 'scope' is not valid"),
        ("invalid_scope", "", 650_053, "The application asked for scope that doesn't exist"),
        ("invalid_resource", "", 500_011, "The resource principal was not found in the tenant"),
        ("invalid_request", "", 900_144, "The request body must contain the following parameter: 'scope'"),
        ("invalid_request", "", 90002, "Tenant 'contoso' not found"),
        ("invalid_request", "", 900_021, "Requested tenant identifier is not valid"),
        ("invalid_request", "", 50020, "User account does not exist in tenant"),
        ("invalid_request", "", 50014, "User account could not be found"),
        ("invalid_request", "", 50034, "The user account does not exist in the directory"),
        ("temporarily_unavailable", "", 90033, "A transient error has occurred"),
        ("invalid_request", "", 90100, "The request cannot be served now"),
        (
            "invalid_grant",
            "",
            50196,
            "The server terminated an operation because it encountered a client loop",
        ),
    ] {
        let error_said = said(400, &error_body(error, suberror, code, text), Grant::Refresh);
        assert_eq!(error_said.code, Some(code));
        assert_eq!(error_said.claims.as_deref().map(|claims| claims.contains("capolids")), Some(true));
        assert_eq!(error_said.correlation_id.as_deref(), Some("c0c0c0c0-1111-2222-3333-444444444444"));
        let SignInError { kind, hint, .. } = &error_said;
        table.push(format!("{error}/{suberror}: {kind:?}: {error_said}; {hint}"));
    }
    insta::assert_snapshot!(table.join("\n"), @"
    invalid_grant/bad_token: SessionEnded: the session with Microsoft Entra has ended (AADSTS50173); run `valetkey login`
    invalid_grant/bad_token: SessionEnded: the session with Microsoft Entra has ended (AADSTS50034); run `valetkey login`
    invalid_grant/bad_token: SessionEnded: the session with Microsoft Entra has ended (AADSTS700082); run `valetkey login`
    invalid_grant/bad_token: SessionEnded: the session with Microsoft Entra has ended (AADSTS70008); run `valetkey login`
    invalid_grant/token_expired: SignInTooOld: the organisation asks for a fresh sign-in (AADSTS70043); run `valetkey login`
    invalid_grant/basic_action: NeedsInteraction: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50076); run `valetkey login`
    interaction_required/basic_action: NeedsInteraction: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50079); run `valetkey login`
    interaction_required/basic_action: NeedsInteraction: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50158); run `valetkey login`
    invalid_grant/additional_action: DeviceNotCompliant: the organisation lets in managed devices only (AADSTS53000: Your device is required to be compliant); enrol this device or make it compliant, then run `valetkey login`
    interaction_required/additional_action: DeviceNotCompliant: the organisation lets in managed devices only (AADSTS53001: Your device is required to be managed); enrol this device or make it compliant, then run `valetkey login`
    invalid_grant/message_only: BlockedByPolicy: a policy of the organisation blocks this sign-in (AADSTS53003: Access has been blocked by Conditional Access policies); ask an administrator of the organisation; signing in again does not help
    invalid_grant/consent_required: ConsentMissing: the application has not been given consent (AADSTS65001); run `valetkey login` and consent, or ask an administrator to: `valetkey setup entra` prints the text
    invalid_grant/consent_required: ConsentMissing: the application has not been given consent (AADSTS65004); run `valetkey login` and consent, or ask an administrator to: `valetkey setup entra` prints the text
    invalid_grant/user_password_expired: PasswordExpired: the password has expired (AADSTS50055); run `valetkey login` and set a new one
    invalid_grant/: AccountDisabled: the account is disabled (AADSTS50057); ask an administrator of the organisation; signing in again does not help
    invalid_grant/bad_token: AccountDisabled: the account is disabled (AADSTS50057); ask an administrator of the organisation; signing in again does not help
    invalid_grant/client_mismatch: ClientUnsupported: the organisation lets in applications under its protection only (AADSTS700001: The client does not match); ask an administrator of the organisation to exempt this application
    invalid_grant/protection_policy_required: ClientUnsupported: the organisation lets in applications under its protection only (AADSTS53005: Intune policy is required); ask an administrator of the organisation to exempt this application
    invalid_grant/device_authentication_failed: ClientUnsupported: the organisation lets in applications under its protection only (AADSTS50097: Device authentication is required); ask an administrator of the organisation to exempt this application
    invalid_client/: ClientMisconfigured: the application is not registered as a public client (AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'); set `Allow public client flows` to yes in the registration; `valetkey setup entra` shows how
    invalid_client/: ClientMisconfigured: the application's registration does not fit a public client (AADSTS700025: Client is public so a secret should not be presented); register `http://localhost` under `Mobile and desktop applications`; `valetkey setup entra` shows how
    invalid_client/: ClientMisconfigured: the application's registration does not fit a public client (AADSTS7000215: Invalid client secret provided); register `http://localhost` under `Mobile and desktop applications`; `valetkey setup entra` shows how
    invalid_client/: ClientMisconfigured: the application's registration does not fit a public client (AADSTS7000222: The provided client secret keys are expired); register `http://localhost` under `Mobile and desktop applications`; `valetkey setup entra` shows how
    unauthorized_client/: ClientUnknown: the application is not known to this tenant, or may not sign in this way (AADSTS700016: Application was not found in the directory); check `[entra] client-id` and `tenant`; `valetkey setup entra` shows how to register
    invalid_scope/: ScopeInvalid: the application may not ask for the right to mint keys (AADSTS70011: The provided value for the input parameter 'scope' is not valid); add `vso.pats` and `vso.pats_manage` to the registration; `valetkey setup entra` shows how
    invalid_scope/: ScopeInvalid: the application may not ask for the right to mint keys (AADSTS650053: The application asked for scope that doesn't exist); add `vso.pats` and `vso.pats_manage` to the registration; `valetkey setup entra` shows how
    invalid_resource/: ScopeInvalid: the application may not ask for the right to mint keys (AADSTS500011: The resource principal was not found in the tenant); add `vso.pats` and `vso.pats_manage` to the registration; `valetkey setup entra` shows how
    invalid_request/: RequestInvalid: Microsoft Entra does not accept the request (AADSTS900144: The request body must contain the following parameter: 'scope'); check `[entra]` in the configuration
    invalid_request/: TenantWrong: the tenant is not known to Microsoft Entra (AADSTS90002); check `[entra] tenant`, or name one with `valetkey login --tenant`
    invalid_request/: TenantWrong: the tenant is not known to Microsoft Entra (AADSTS900021); check `[entra] tenant`, or name one with `valetkey login --tenant`
    invalid_request/: TenantWrong: the account is no member of this tenant (AADSTS50020); sign in with another account, or name its tenant with `valetkey login --tenant`
    invalid_request/: TenantWrong: the account is no member of this tenant (AADSTS50014); sign in with another account, or name its tenant with `valetkey login --tenant`
    invalid_request/: TenantWrong: the account is no member of this tenant (AADSTS50034); sign in with another account, or name its tenant with `valetkey login --tenant`
    temporarily_unavailable/: Unavailable: Microsoft Entra cannot serve at the moment (AADSTS90033); try again in a while
    invalid_request/: Unavailable: Microsoft Entra cannot serve at the moment (AADSTS90100); try again in a while
    invalid_grant/: Throttled: Microsoft Entra asks to slow down (AADSTS50196); try again in a while
    ");
}

#[test]
fn a_code_that_cannot_be_redeemed_voids_the_flow() {
    for code in [54005, 70000, 501_481] {
        for suberror in ["", "unknown_to_us"] {
            let body = error_body("invalid_grant", suberror, code, "x");
            assert_eq!(said(400, &body, Grant::Code).kind, Kind::FlowVoid, "{code}");
        }
    }
    assert_eq!(
        said(400, &error_body("invalid_grant", "", 70000, "x"), Grant::Refresh).kind,
        Kind::SessionEnded
    );
}

#[test]
fn where_no_suberror_is_given_the_number_speaks() {
    for (code, kind) in [
        (50173, Kind::SessionEnded),
        (70043, Kind::SignInTooOld),
        (50078, Kind::NeedsInteraction),
        (65001, Kind::ConsentMissing),
        (53003, Kind::BlockedByPolicy),
        (90002, Kind::TenantWrong),
    ] {
        let mut body = error_body("invalid_grant", "", code, "x");
        body.as_object_mut().unwrap().remove("suberror");
        assert_eq!(said(400, &body, Grant::Refresh).kind, kind, "{code}");
        body["error_codes"] = json!([code.to_string()]);
        assert_eq!(said(400, &body, Grant::Refresh).kind, kind, "{code}");
        body.as_object_mut().unwrap().remove("error_codes");
        assert_eq!(said(400, &body, Grant::Refresh).kind, kind, "{code}");
    }
}

#[test]
fn the_suberror_outweighs_the_number() {
    let body = error_body("invalid_grant", "message_only", 50076, "x");
    assert_eq!(said(400, &body, Grant::Refresh).kind, Kind::BlockedByPolicy);
}

#[test]
fn the_device_flow_has_errors_of_its_own() {
    for (error, kind) in [
        ("authorization_declined", Kind::Declined),
        ("access_denied", Kind::Declined),
        ("bad_verification_code", Kind::FlowVoid),
        ("expired_token", Kind::Expired),
        ("code_expired", Kind::Expired),
    ] {
        assert_eq!(said(400, &error_body(error, "", 70020, "x"), Grant::Device).kind, kind, "{error}");
    }
}

#[test]
fn blocked_device_codes_lead_to_the_browser() {
    let body = error_body("invalid_grant", "message_only", 53003, "x");
    assert!(said(400, &body, Grant::Device).hint.contains("without `--device-code`"));
    assert!(said(400, &body, Grant::Refresh).hint.contains("does not help"));
}

#[test]
fn load_and_faults_wait() {
    let busy = json!({"error":"invalid_grant","suberror":"bad_token"});
    let error = said(429, &busy, Grant::Refresh);
    assert_eq!((error.kind, error.retry_after), (Kind::Throttled, Some(60)));
    let error = said(503, &busy, Grant::Refresh);
    assert_eq!((error.kind, error.retry_after), (Kind::Unavailable, None));
    let error = failure(StatusCode::TOO_MANY_REQUESTS, b"<html>", Some(120), Grant::Refresh, "idp");
    assert_eq!((error.kind, error.retry_after), (Kind::Throttled, Some(120)));
    assert_eq!(failure(StatusCode::BAD_GATEWAY, b"", None, Grant::Code, "idp").kind, Kind::Unavailable);
}

#[test]
fn a_gateway_in_its_place_is_named_as_such() {
    for (status, body) in
        [(200, "<html>Sign in to Wi-Fi"), (302, ""), (403, "{}"), (404, "[]"), (400, "{\"error\":7}")]
    {
        let error = failure(StatusCode::from_u16(status).unwrap(), body.as_bytes(), None, Grant::Code, "idp");
        assert_eq!(error.kind, Kind::Malformed, "{body}");
        assert_eq!(error.sentence, "`idp` does not answer as Microsoft Entra does");
        assert!(error.hint.contains("[network] proxy"));
    }
}

#[test]
fn claims_are_passed_on_only_where_they_are_an_object() {
    for claims in
        [json!("no json"), json!("[1]"), json!({"access_token": 1}), json!("{".repeat(9000)), json!(null)]
    {
        let mut body = error_body("interaction_required", "basic_action", 50076, "x");
        body["claims"] = claims;
        let error = said(400, &body, Grant::Refresh);
        assert_eq!((error.kind, error.claims), (Kind::NeedsInteraction, None));
    }
}

#[test]
fn a_redirect_s_reason_is_given_in_entra_s_words() {
    for (error, description, kind) in [
        ("access_denied", "AADSTS65004: User declined to consent.\r\nTrace ID: 1", Kind::ConsentMissing),
        ("access_denied", "the user canceled the authentication", Kind::Declined),
        ("consent_required", "", Kind::ConsentMissing),
        ("login_required", "", Kind::NeedsInteraction),
        ("server_error", "", Kind::Unavailable),
        ("temporarily_unavailable", "", Kind::Unavailable),
        ("invalid_resource", "", Kind::ScopeInvalid),
        ("surprise", "AADSTS99999: Boo.", Kind::RequestInvalid),
    ] {
        let error = redirected(&WireError::of_redirect(error, description));
        assert_eq!(error.kind, kind, "{error:?}");
    }
    let error =
        redirected(&WireError::of_redirect("access_denied", "AADSTS65004: User\u{1b}[2J declined.\nx"));
    assert_eq!(
        error.sentence,
        "the application has not been given consent (AADSTS65004: User\u{fffd}[2J declined)"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "invalid_[a-z]{0,8}",
        "(AADSTS)?[0-9]{0,30}(: )?.{0,300}",
        Just("bad_token".to_owned()),
        Just("{\"a\":1}".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(body in prop::collection::vec(any::<u8>(), 0..400), status in 100_u16..600) {
        let error = failure(StatusCode::from_u16(status).unwrap(), &body, None, Grant::Refresh, "idp");
        prop_assert!(!error.sentence.is_empty());
    }

    #[test]
    fn no_body_breaks_a_line_or_shows_more_than_a_line(
        fields in prop::collection::btree_map(
            prop::sample::select(vec!["error", "error_description", "error_codes", "suberror", "claims", "correlation_id"]),
            any_json(), 0..6),
    ) {
        let error = said(400, &json!(fields), Grant::Refresh);
        for line in [&error.sentence, &error.hint] {
            prop_assert!(valetkey_protocol::is_clean(line) && line.chars().count() <= 201);
        }
        prop_assert!(error.correlation_id.is_none_or(|id| valetkey_protocol::is_clean(&id)));
        prop_assert!(error.claims.is_none_or(|claims| serde_json::from_str::<Value>(&claims).unwrap().is_object()));
    }
}
