//! The rules that every client is held to.

use reqwest::Method;
use serde_json::json;
use valetkey_emulator::{APP_MINT, Action, CredentialKind, Fault, Host};

use crate::client::{Rig, SCOPE, rfc3339};

const VERSION: &str = "api-version=7.1-preview.1";

#[track_caller]
fn one(rig: &Rig, part: &str) {
    let violations = rig.emulator.control().violations();
    assert!(violations.len() == 1 && violations[0].contains(part), "`{part}` in {violations:?}");
}

#[tokio::test]
async fn an_honest_run_has_none() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    assert_eq!(rig.create("contoso", &token, json!({})).await.status, 200);
    assert_eq!(rig.create("contoso", &token, json!({"scope": "vso.code_write"})).await.status, 200);
    rig.emulator.control().advance(7200);
    assert_eq!(rig.pats(Method::GET, "contoso", VERSION, &token, None).await.status, 401);
    assert_eq!(
        rig.emulator.control().violations(),
        Vec::<String>::new(),
        "the test moved the clock, not the client"
    );
}

#[tokio::test]
async fn a_credential_at_the_hostile_host() {
    let rig = Rig::start();
    let url = format!("{}/contoso", rig.emulator.urls().evil);
    let stranger = rig.get(&url).await;
    assert!(stranger.all("x-vss-authorizationendpoint")[0].starts_with(&rig.emulator.urls().evil));
    assert_eq!(rig.emulator.control().violations().len(), 0);
    rig.http.get(&url).bearer_auth("anything").send().await.expect("answer");
    one(&rig, "a credential was sent to GET Evil /contoso");
}

#[tokio::test]
async fn a_secret_in_a_body_at_the_hostile_host() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let url = format!("{}/token", rig.emulator.urls().evil);
    rig.http.post(&url).body(format!("refresh_token={token}")).send().await.expect("answer");
    one(&rig, "a credential was sent to POST Evil");
}

#[tokio::test]
async fn a_secret_in_a_url() {
    let rig = Rig::start();
    let (_, pat) = rig.emulator.control().mint("alice", "contoso", "vso.code", 600).expect("mint");
    rig.get(&format!("{}/contoso?token={pat}", rig.emulator.urls().dev)).await;
    one(&rig, "a secret stood in the URL");
}

#[tokio::test]
async fn tokens_too_wide_or_too_long() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.create("strict", &token, json!({"scope": "app_token"})).await;
    one(&rig, "full scope");
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.create("contoso", &token, json!({"allOrgs": true})).await;
    one(&rig, "all organisations");
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.emulator.control().rules(|rules| rules.longest_lifetime = Some(8 * 3600 + 60));
    let end = rfc3339(rig.emulator.control().now() + 9 * 3600);
    rig.create("contoso", &token, json!({"validTo": end})).await;
    one(&rig, "more than 28860 s");
}

#[tokio::test]
async fn two_tokens_for_one_purpose() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.create("contoso", &token, json!({})).await;
    rig.create("contoso", &token, json!({})).await;
    assert_eq!(rig.emulator.control().violations().len(), 0, "a renewal may overlap for a while");
    rig.emulator.control().advance(601);
    one(&rig, "were alive together");
}

#[tokio::test]
async fn a_route_that_said_to_wait() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.emulator.control().fault(Fault::new(Action::throttle(30)).host(Host::Vssps));
    rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    rig.emulator.control().advance(31);
    rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    assert_eq!(rig.emulator.control().violations().len(), 0);
    rig.emulator.control().fault(Fault::new(Action::throttle(30)).host(Host::Vssps));
    rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    one(&rig, "before its Retry-After");
}

#[tokio::test]
async fn a_storm() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.emulator.control().rules(|rules| rules.requests_per_minute = Some(3));
    for _ in 0..3 {
        rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    }
    assert_eq!(rig.emulator.control().violations().len(), 0);
    rig.pats(Method::GET, "contoso", VERSION, &token, None).await;
    one(&rig, "requests in a minute");
}

#[tokio::test]
async fn simultaneous_redemptions() {
    let rig = Rig::start();
    let tokens = rig.sign_in("common", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("token");
    let control = rig.emulator.control().clone();
    control.fault(Fault::new(Action::Hold).grant("refresh_token").times(2));
    let release = async {
        control.holding(2).await;
        control.release();
    };
    tokio::join!(
        rig.refresh("common", refresh_token, &[]),
        rig.refresh("common", refresh_token, &[]),
        release
    );
    one(&rig, "redeemed at the same time");
}

#[tokio::test]
async fn a_hasty_poll() {
    let rig = Rig::start();
    let begin = [("client_id", APP_MINT), ("scope", SCOPE)];
    let started = rig.form("/common/oauth2/v2.0/devicecode", &begin).await.json();
    let code = started["device_code"].as_str().expect("code");
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [("grant_type", grant), ("client_id", APP_MINT), ("device_code", code)];
    rig.form("/common/oauth2/v2.0/token", &fields).await;
    rig.form("/common/oauth2/v2.0/token", &fields).await;
    one(&rig, "faster than its interval");
}

#[tokio::test]
async fn the_log_names_credentials_and_hides_them() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    rig.create("contoso", &token, json!({})).await;
    let control = rig.emulator.control();
    let made = control.requests_to(Host::Vssps, "POST", "tokens/pats");
    assert_eq!((made.len(), made[0].credential, made[0].status), (1, CredentialKind::Bearer, Some(200)));
    assert_eq!(made[0].organisation.as_deref(), Some("contoso"));
    let log = serde_json::to_string(&control.requests()).expect("JSON");
    let secrets = control.secrets();
    assert_eq!(secrets.len(), 4, "code, access token, refresh token, PAT");
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str())));
}
