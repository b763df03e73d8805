//! Microsoft Entra: both flows, refresh, and the error table.

use serde_json::{Value, json};
use valetkey_emulator::{
    APP_CONFIDENTIAL, APP_MINT, APP_READ, APP_SPA, Options, TENANT_HOME, TENANT_RESOURCE, UserState,
};

use crate::client::{Rig, SCOPE, VERIFIER};

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {body}"))
}

#[tokio::test]
async fn the_browser_flow_gives_all_tokens() {
    let rig = Rig::start();
    let got = rig.get(&rig.authorize_url("organizations", &[])).await;
    let location = got.headers["location"].to_str().expect("text").to_owned();
    assert!(location.starts_with("http://localhost:8400/?code="), "{location}");
    let redirect = got.redirected();
    assert_eq!(redirect["state"], "s1");
    let got = rig.redeem(&redirect["code"], &[]).await;
    assert_eq!(got.all("cache-control"), ["no-store, no-cache"]);
    let tokens = got.json();
    assert_eq!(text(&tokens, "token_type"), "Bearer");
    assert!(text(&tokens, "scope").contains("/vso.pats_manage"));
    assert!((3600..=5400).contains(&tokens["expires_in"].as_i64().expect("seconds")));
    assert!(!text(&tokens, "access_token").contains('.'), "access tokens cannot be decoded");
    assert!(text(&tokens, "refresh_token").starts_with("1.A"));
    assert_eq!(text(&tokens, "id_token").split('.').count(), 3);
    assert!(tokens["client_info"].is_string());
    let reused = rig.redeem(&redirect["code"], &[]).await.json();
    assert_eq!(reused["error_codes"], json!([54005]));
}

#[tokio::test]
async fn the_page_signs_in_and_cancels() {
    let rig = Rig::with(Options::default());
    let url = rig.authorize_url("organizations", &[("login_hint", "bob@contoso.example")]);
    let page = rig.get(&url).await.text();
    assert!(page.contains("Sign in</button>") && page.contains("value=\"bob\" selected"), "{page}");
    let request = page.split("name=\"request\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let request = request.expect("request").to_owned();
    let submit = async |action: &str, user: &str| {
        rig.form("/organizations/signin", &[("request", &request), ("user", user), ("action", action)]).await
    };
    assert!(submit("signin", "nobody").await.text().contains("AADSTS50034"));
    assert!(submit("signin", "carol").await.text().contains("AADSTS53003"));
    assert!(submit("signin", "bob").await.redirected().contains_key("code"));
    assert_eq!(submit("signin", "bob").await.status, 400, "a sign-in request is used once");
    let page = rig.get(&url).await.text();
    let request = page.split("name=\"request\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let fields = [("request", request.expect("request")), ("action", "cancel")];
    assert_eq!(rig.form("/organizations/signin", &fields).await.redirected()["error"], "access_denied");
}

#[tokio::test]
async fn authorization_requests_are_checked() {
    let rig = Rig::start();
    let page = async |tenant: &str, changes: &[(&str, &str)]| {
        let got = rig.get(&rig.authorize_url(tenant, changes)).await;
        assert_eq!(got.status, 400);
        got.text()
    };
    assert!(page("nowhere.example", &[]).await.contains("AADSTS90002"));
    assert!(page("organizations", &[("client_id", "x")]).await.contains("AADSTS700016"));
    assert!(page("organizations", &[("redirect_uri", "http://[::1]:1")]).await.contains("AADSTS50011"));
    let error = async |changes: &[(&str, &str)]| {
        rig.get(&rig.authorize_url("organizations", changes)).await.redirected()["error"].clone()
    };
    assert_eq!(error(&[("response_type", "token")]).await, "unsupported_response_type");
    assert_eq!(error(&[("code_challenge_method", "plain")]).await, "invalid_request");
    assert_eq!(error(&[("prompt", "none")]).await, "login_required");
    assert_eq!(
        error(&[("scope", "499b84ac-1321-427f-aa17-267ca6975798/vso.nonsense")]).await,
        "invalid_scope"
    );
    assert_eq!(error(&[("scope", "00000000-0000-0000-0000-000000000001/x")]).await, "invalid_resource");
    assert_eq!(
        error(&[("scope", "499b84ac-1321-427f-aa17-267ca6975798/vso.code")]).await,
        "consent_required"
    );
    let posted = rig.get(&rig.authorize_url("organizations", &[("response_mode", "form_post")])).await;
    assert!(posted.text().contains("name=\"code\""), "{posted:?}");
}

#[tokio::test]
async fn codes_are_bound_to_verifier_and_redirect() {
    let rig = Rig::start();
    let code = async || rig.get(&rig.authorize_url("common", &[])).await.redirected()["code"].clone();
    let codes = async |changes: &[(&str, &str)]| {
        rig.redeem(&code().await, changes).await.json()["error_codes"].clone()
    };
    assert_eq!(codes(&[("code_verifier", &VERIFIER.replace('d', "e"))]).await, json!([501_481]));
    assert_eq!(codes(&[("redirect_uri", "http://localhost:1")]).await, json!([500_112]));
    assert_eq!(codes(&[("client_id", APP_READ)]).await, json!([70000]));
    assert_eq!(codes(&[("client_secret", "x")]).await, json!([700_025]));
    let secretless = rig.redeem(&code().await, &[("client_id", APP_CONFIDENTIAL)]).await;
    assert_eq!(
        (secretless.status.as_u16(), text(&secretless.json(), "error").to_owned()),
        (401, "invalid_client".into())
    );
    let late = code().await;
    rig.emulator.control().advance(600);
    assert_eq!(rig.redeem(&late, &[]).await.json()["error_codes"], json!([70008]));
}

#[tokio::test]
async fn errors_have_nine_fields() {
    let rig = Rig::start();
    let tokens = rig.sign_in("organizations", &[]).await;
    rig.emulator.control().revoke_sessions("alice");
    let got = rig.refresh("organizations", text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(got.status, 400);
    assert!(got.all("x-ms-clitelem")[0].starts_with("1,50173,0,"));
    assert_eq!(got.all("x-ms-request-id").len(), 1);
    let body = got.json();
    let fields: Vec<&str> = body.as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "correlation_id",
            "error",
            "error_codes",
            "error_description",
            "error_uri",
            "suberror",
            "timestamp",
            "trace_id"
        ]
    );
    assert_eq!((text(&body, "error"), text(&body, "suberror")), ("invalid_grant", "bad_token"));
    let description = text(&body, "error_description");
    assert!(
        description.starts_with("AADSTS50173: ") && description.contains("\r\nTrace ID: "),
        "{description}"
    );
    assert_eq!(body["error_codes"], json!([50173]));
}

#[tokio::test]
async fn refresh_tokens_outlive_their_use_and_cross_tenants() {
    let rig = Rig::start();
    let tokens = rig.sign_in("organizations", &[]).await;
    let first = text(&tokens, "refresh_token");
    let again = rig.refresh(TENANT_RESOURCE, first, &[]).await;
    assert_eq!(again.status, 200, "alice is a guest there");
    assert_ne!(text(&again.json(), "refresh_token"), first);
    assert_eq!(rig.refresh(TENANT_HOME, first, &[]).await.status, 200, "the old one stays valid");
    assert_eq!(
        rig.refresh(TENANT_HOME, first, &[("client_id", APP_READ)]).await.json()["error_codes"],
        json!([70000])
    );
    let consumers = rig.refresh("consumers", first, &[]).await.json();
    assert_eq!(consumers["error_codes"], json!([50020]));
    let control = rig.emulator.control();
    control.switch(|switches| switches.refresh_token_single_use = true);
    assert_eq!(rig.refresh(TENANT_HOME, first, &[]).await.status, 200);
    assert_eq!(rig.refresh(TENANT_HOME, first, &[]).await.json()["suberror"], "bad_token");
    let fresh = rig.sign_in("organizations", &[]).await;
    control.advance(90 * 86_400);
    assert_eq!(
        rig.refresh(TENANT_HOME, text(&fresh, "refresh_token"), &[]).await.json()["error_codes"],
        json!([700_082])
    );
}

#[tokio::test]
async fn a_single_page_applications_session_ends_after_a_day() {
    let rig = Rig::start();
    let url = rig.authorize_url("organizations", &[("client_id", APP_SPA)]);
    let code = rig.get(&url).await.redirected()["code"].clone();
    let tokens = rig.redeem(&code, &[("client_id", APP_SPA)]).await.json();
    rig.emulator.control().advance(80_000);
    let next = rig.refresh("common", text(&tokens, "refresh_token"), &[("client_id", APP_SPA)]).await.json();
    rig.emulator.control().advance(10_000);
    let last = rig.refresh("common", text(&next, "refresh_token"), &[("client_id", APP_SPA)]).await.json();
    assert_eq!(last["error_codes"], json!([700_084]));
}

#[tokio::test]
async fn peoples_states_refuse_silent_requests() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let tokens = rig.sign_in("organizations", &[]).await;
    for (state, error, suberror, code) in [
        (UserState::NeedsMfa, "interaction_required", "basic_action", 50076),
        (UserState::Blocked, "invalid_grant", "message_only", 53003),
        (UserState::DeviceNotCompliant, "interaction_required", "additional_action", 53000),
        (UserState::ConsentMissing, "invalid_grant", "consent_required", 65001),
        (UserState::PasswordExpired, "invalid_grant", "user_password_expired", 50055),
        (UserState::SignInFrequency, "invalid_grant", "token_expired", 70043),
    ] {
        control.set_user_state("alice", state).expect("user");
        let body = rig.refresh("common", text(&tokens, "refresh_token"), &[]).await.json();
        assert_eq!((text(&body, "error"), text(&body, "suberror")), (error, suberror));
        assert_eq!(body["error_codes"], json!([code]));
    }
}

#[tokio::test]
async fn a_sign_in_with_the_claims_lifts_the_second_factor() {
    let rig = Rig::with(Options { sign_in_as: Some("bob".to_owned()), ..Options::default() });
    let tokens = rig.sign_in("organizations", &[]).await;
    let refused = rig.refresh("common", text(&tokens, "refresh_token"), &[]).await.json();
    let claims = text(&refused, "claims");
    assert!(serde_json::from_str::<Value>(claims).expect("JSON in a string")["access_token"].is_object());
    let tokens = rig.sign_in("organizations", &[("claims", claims)]).await;
    assert_eq!(rig.refresh("common", text(&tokens, "refresh_token"), &[]).await.status, 200);
}

#[tokio::test]
async fn device_codes_wait_for_their_person() {
    let rig = Rig::with(Options::default());
    let control = rig.emulator.control();
    let begin = async || {
        let got = rig
            .form("/organizations/oauth2/v2.0/devicecode", &[("client_id", APP_MINT), ("scope", SCOPE)])
            .await;
        assert_eq!(got.status, 200);
        got.json()
    };
    let poll = async |code: &str| {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let fields = [("grant_type", grant), ("client_id", APP_MINT), ("device_code", code)];
        rig.form("/organizations/oauth2/v2.0/token", &fields).await.json()
    };
    let started = begin().await;
    assert_eq!((&started["expires_in"], &started["interval"]), (&json!(900), &json!(5)));
    assert!(started.get("verification_uri_complete").is_none());
    let code = text(&started, "device_code");
    assert_eq!(poll(code).await["error"], "authorization_pending");
    assert_eq!(poll(code).await["error"], "slow_down");
    control.advance(5);
    assert_eq!(poll(code).await["error"], "authorization_pending");
    assert_eq!(control.pending_devices()[0].user_code, text(&started, "user_code"));
    assert!(rig.get(text(&started, "verification_uri")).await.text().contains("name=\"user_code\""));
    let typed = [("user_code", text(&started, "user_code")), ("user", "alice"), ("action", "signin")];
    assert_eq!(rig.form("/devicelogin", &typed).await.status, 200);
    assert!(poll(code).await["refresh_token"].is_string());
    assert_eq!(poll(code).await["error_codes"], json!([54005]));
    assert_eq!(poll("nonsense").await["error"], "bad_verification_code");

    let denied = begin().await;
    control.deny_device(text(&denied, "user_code")).expect("deny");
    assert_eq!(poll(text(&denied, "device_code")).await["error"], "authorization_declined");
    let late = begin().await;
    control.advance(900);
    assert_eq!(poll(text(&late, "device_code")).await["error"], "expired_token");
    let blocked = begin().await;
    control.switch(|switches| switches.device_code_blocked = true);
    control.approve_device(text(&blocked, "user_code")).expect("approve");
    assert_eq!(poll(text(&blocked, "device_code")).await["suberror"], "message_only");
}

#[tokio::test]
async fn discovery_tells_where_things_are() {
    let rig = Rig::start();
    let login = &rig.emulator.urls().login;
    let common = rig.get(&format!("{login}/common/v2.0/.well-known/openid-configuration")).await.json();
    assert_eq!(text(&common, "issuer"), format!("{login}/{{tenantid}}/v2.0"));
    let keys = rig.get(text(&common, "jwks_uri")).await.json();
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    let unknown = rig.get(&format!("{login}/nowhere.example/v2.0/.well-known/openid-configuration")).await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["error"].clone()), (400, json!("invalid_tenant")));
    let instance = async |host: &str| {
        let url = format!(
            "{login}/common/discovery/instance?api-version=1.1&authorization_endpoint=https://{host}/x"
        );
        rig.get(&url).await
    };
    assert_eq!(instance("login.windows.net").await.status, 200);
    assert_eq!(instance("login.evil.example").await.json()["error"], "invalid_instance");
}

#[tokio::test]
async fn lifetimes_and_shapes_have_switches() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(rig.sign_in("common", &[("claims", cp1)]).await["expires_in"], 80_000);
    control.switch(|switches| {
        switches.token_lifetime = Some(300);
        switches.refresh_in = true;
        switches.opaque_access_tokens = false;
    });
    let tokens = rig.sign_in("common", &[]).await;
    assert_eq!((&tokens["expires_in"], &tokens["refresh_in"]), (&json!(300), &json!(150)));
    assert_eq!(text(&tokens, "access_token").split('.').count(), 3);
    let bare = rig.sign_in("common", &[("scope", "499b84ac-1321-427f-aa17-267ca6975798/.default")]).await;
    assert!(bare.get("refresh_token").is_none() && bare.get("id_token").is_none());
}
