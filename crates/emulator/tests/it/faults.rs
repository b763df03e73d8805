//! Every fault, as a client sees it.

use std::{
    error::Error,
    io::{self, ErrorKind},
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use valetkey_emulator::{Action, Certificate, Fault, Host};

use crate::client::{Got, Rig};

const VERSION: &str = "api-version=7.1-preview.1";

async fn list(rig: &Rig, token: &str) -> Got {
    rig.pats(Method::GET, "contoso", VERSION, token, None).await
}

#[tokio::test]
async fn answers_are_replaced_and_bent() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    let with = async |action: Action| {
        control.fault(Fault::new(action).host(Host::Vssps));
        list(&rig, &token).await
    };
    let throttled = with(Action::throttle(30)).await;
    assert_eq!((throttled.status.as_u16(), throttled.all("retry-after")), (429, vec!["30".to_owned()]));
    assert!(throttled.text().contains("TF400733"));
    assert_eq!(with(Action::status(503)).await.status, 503);
    assert_eq!(with(Action::SignInPage).await.status, 203);
    assert!(with(Action::Html).await.text().starts_with("<html>"));
    let to = format!("{}/x", rig.emulator.urls().evil);
    assert_eq!(with(Action::Redirect { to: to.clone() }).await.all("location"), [to]);
    assert_eq!(with(Action::Bom).await.body[..3], *b"\xef\xbb\xbf");
    assert_eq!(with(Action::BigBody { bytes: 2_000_000 }).await.body.len(), 2_000_000);
    let compressed = with(Action::Gzip).await;
    assert_eq!(compressed.all("content-encoding"), ["gzip"]);
    assert_eq!(compressed.body[..2], [0x1f, 0x8b]);
    let typed = with(Action::ContentType { value: "text/plain".to_owned() }).await;
    assert_eq!(typed.all("content-type"), ["text/plain"]);
    assert_eq!(with(Action::SlowDrip { millis: 0 }).await.json()["continuationToken"], "");
    let patched = with(Action::Merge { patch: json!({"patTokens": null, "x": 1}) }).await.json();
    assert_eq!(patched, json!({"continuationToken": "", "x": 1}));
    let headers = vec![("x-vss-userdata".to_owned(), "nobody".to_owned())];
    assert_eq!(with(Action::Headers { headers }).await.all("x-vss-userdata"), ["nobody"]);
    assert_eq!(
        with(Action::PatError { name: "accessDenied".to_owned() }).await.json()["patTokenError"],
        "accessDenied"
    );
    let refused = with(Action::exception(401, "InvalidAccessException", "TF1: no: é")).await;
    assert_eq!((refused.status.as_u16(), &refused.body[..3]), (401, &b"\xef\xbb\xbf"[..]));
    assert_eq!(refused.all("www-authenticate"), ["Bearer"]);
    assert_eq!(refused.all("x-tfs-serviceerror"), ["TF1%3A%20no%3A%20%C3%A9"]);
    let refused = with(Action::exception(400, "JsonReaderException", "TF400898")).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["message"]), (400, &json!("TF400898")));
    let told = with(Action::service_error(403, "VS403463: no.")).await;
    assert_eq!((told.status.as_u16(), told.body.len()), (403, 0));
    assert_eq!(told.all("x-tfs-serviceerror"), ["VS403463%3A%20no%2E"]);
    let stranger = with(Action::Anonymous).await;
    assert_eq!((stranger.status.as_u16(), stranger.all("x-vss-resourcetenant").len()), (401, 1));
    let challenged = with(Action::InsufficientClaims { claims: "{}".to_owned() }).await;
    assert!(challenged.all("www-authenticate")[0].contains("error=\"insufficient_claims\", claims=\"e30=\""));
    assert_eq!(list(&rig, &token).await.status, 200, "each fault was met once");
}

#[tokio::test]
async fn connections_end_before_and_after_the_deed() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control();
    let post = || {
        let url = format!("{}/contoso/_apis/tokens/pats?{VERSION}", rig.emulator.urls().vssps);
        let body = json!({"displayName": "x", "scope": "vso.code"});
        rig.http.post(url).bearer_auth(&token).json(&body)
    };
    control.fault(Fault::new(Action::Reset).method("POST").path("TOKENS/PATS"));
    assert!(post().send().await.is_err());
    assert_eq!(control.live_pats().len(), 0);
    control.fault(Fault::new(Action::ResetAfterCommit).method("POST").path("tokens/pats"));
    assert!(post().send().await.is_err());
    assert_eq!(control.live_pats().len(), 1, "the token was made, its secret is lost");
    control.fault(Fault::new(Action::Truncated).method("POST").path("tokens/pats"));
    let cut = post().send().await.expect("headers");
    assert!(cut.bytes().await.is_err());
    assert_eq!(control.orphans(&[]).len(), 2);
}

#[tokio::test]
async fn a_tcp_reset_is_one() {
    let rig = Rig::start();
    let url = &rig.emulator.urls().dev;
    for (action, reset) in [(Action::TcpReset, true), (Action::Reset, false)] {
        rig.emulator.control().fault(Fault::new(action).host(Host::Dev));
        let error = rig.http.get(url).send().await.expect_err("no answer");
        let mut cause: Option<&dyn Error> = Some(&error);
        let mut found = false;
        while let Some(one) = cause {
            found |= one
                .downcast_ref()
                .is_some_and(|error: &io::Error| error.kind() == ErrorKind::ConnectionReset);
            cause = one.source();
        }
        assert_eq!(found, reset, "{error:?}");
    }
}

#[tokio::test]
async fn each_host_shows_the_certificate_it_is_told_to() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let urls = rig.emulator.urls();
    for (certificate, words) in [
        (Certificate::WrongName, "NotValidForName"),
        (Certificate::Expired, "Expired"),
        (Certificate::NotYetValid, "NotValidYet"),
    ] {
        control.certificate(Host::Dev, certificate);
        let error = rig.http.get(&urls.dev).send().await.expect_err("a bad certificate is taken");
        assert!(format!("{error:?}").contains(words), "{error:?}");
        rig.http.get(&urls.vssps).send().await.expect("another host is as it was");
    }
    control.certificate(Host::Dev, Certificate::Good);
    rig.http.get(&urls.dev).send().await.expect("a good certificate");
}

#[tokio::test]
async fn the_nth_request_of_a_grant_is_hit() {
    let rig = Rig::start();
    let tokens = rig.sign_in("common", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("token");
    let fault = Fault::new(Action::entra("temporarily_unavailable")).host(Host::Login).grant("refresh_token");
    rig.emulator.control().fault(fault.nth(2).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(rig.refresh("common", refresh_token, &[]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
}

#[tokio::test]
async fn held_requests_wait_for_their_release() {
    let rig = Rig::start();
    let token = rig.access_token().await;
    let control = rig.emulator.control().clone();
    control.fault(Fault::new(Action::Hold).host(Host::Vssps).times(2));
    let release = async {
        control.holding(2).await;
        assert_eq!(control.held(), 2);
        control.release();
    };
    let (first, second, ()) = tokio::join!(list(&rig, &token), list(&rig, &token), release);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn a_request_whose_client_has_gone_is_held_no_more() {
    let rig = Rig::start();
    let control = rig.emulator.control().clone();
    control.fault(Fault::new(Action::Hold).host(Host::Dev));
    let client = tokio::spawn(rig.http.get(format!("{}/contoso", rig.emulator.urls().dev)).send());
    control.holding(1).await;
    client.abort();
    let gone = async {
        while control.held() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it is held for ever");
}

#[tokio::test]
async fn hanging_requests_end_with_the_emulator() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    control.fault(Fault::new(Action::Hang).host(Host::Dev).always());
    let request = rig.http.get(format!("{}/contoso", rig.emulator.urls().dev));
    let client = tokio::spawn(request.timeout(Duration::from_secs(60)).send());
    while control.requests_to(Host::Dev, "GET", "/contoso").is_empty() {
        tokio::task::yield_now().await;
    }
    drop(rig);
    let error = client.await.expect("task").expect_err("no answer");
    assert!(!error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn claims_challenges_are_satisfied_by_their_claims_only() {
    let rig = Rig::start();
    let control = rig.emulator.control();
    let tokens = rig.sign_in("common", &[]).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("token");
    let access = |tokens: &serde_json::Value| tokens["access_token"].as_str().expect("token").to_owned();
    let claims = control.challenge_claims("alice", false).expect("user");
    assert_eq!(list(&rig, &access(&tokens)).await.status, 401);
    let plain = rig.refresh("common", refresh_token, &[]).await.json();
    assert_eq!(list(&rig, &access(&plain)).await.status, 401);
    let satisfied = rig.refresh("common", refresh_token, &[("claims", &claims)]).await.json();
    assert_eq!(list(&rig, &access(&satisfied)).await.status, 200);
    let claims = control.challenge_claims("alice", true).expect("user");
    let refused = rig.refresh("common", refresh_token, &[("claims", &claims)]).await.json();
    assert_eq!((&refused["suberror"], &refused["claims"]), (&json!("basic_action"), &json!(claims)));
    let again = rig.sign_in("common", &[("claims", &claims)]).await;
    assert_eq!(list(&rig, &access(&again)).await.status, 200);
}
