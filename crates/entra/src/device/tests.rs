use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use serde_json::json;

use super::*;
use crate::testing::{CLIENT, Provider, answer, error_body, json_answer, tokens_body};

/// Time that passes only while somebody sleeps.
#[derive(Default)]
struct Dream {
    elapsed: AtomicU64,
    slept: Mutex<Vec<u64>>,
}

impl Pace for Dream {
    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.elapsed.load(Ordering::SeqCst))
    }

    async fn sleep(&self, time: Duration) {
        self.elapsed.fetch_add(time.as_secs(), Ordering::SeqCst);
        self.slept.lock().unwrap().push(time.as_secs());
    }
}

fn code() -> Value {
    json!({
        "device_code": "canary-device", "user_code": "ABCD1234", "verification_uri": "https://microsoft.com/devicelogin",
        "expires_in": 900, "interval": 5, "message": "To sign in, use a web browser",
    })
}

fn pending() -> String {
    json_answer(400, &error_body("authorization_pending", "", 70016, "Pending"))
}

fn refused(error: &str) -> String {
    json_answer(400, &error_body(error, "", 70000, "x"))
}

async fn flow(script: Vec<String>, code: &Value) -> (Result<Tokens, SignInError>, Vec<u64>, Provider) {
    let script = std::iter::once(json_answer(200, code)).chain(script).collect();
    let provider = Provider::start(script).await;
    let flow = provider.sign_in().begin_device().await.unwrap();
    let dream = Dream::default();
    let outcome = flow.finish_at(&dream).await;
    (outcome, dream.slept.into_inner().unwrap(), provider)
}

#[tokio::test]
async fn it_asks_at_the_pace_it_was_told() {
    let script = vec![pending(), refused("slow_down"), pending(), json_answer(200, &tokens_body())];
    let (tokens, slept, provider) = flow(script, &code()).await;
    assert_eq!(tokens.unwrap().access_token.expose_secret(), "canary-access");
    assert_eq!(slept, [5, 5, 10, 10]);
    let seen = provider.seen();
    assert!(seen[0].head.contains("/oauth2/v2.0/devicecode "));
    assert!(seen[0].form["scope"].ends_with("/vso.pats_manage offline_access openid profile"));
    assert!(seen[1].head.contains("/oauth2/v2.0/token "));
    assert_eq!(seen[1].form["grant_type"], GRANT_TYPE);
    assert_eq!(seen[1].form["device_code"], "canary-device");
    assert_eq!(seen[1].form["client_id"], CLIENT);
}

#[tokio::test]
async fn what_is_shown_is_what_was_answered() {
    let provider = Provider::start(vec![json_answer(200, &code())]).await;
    let flow = provider.sign_in().begin_device().await.unwrap();
    assert_eq!(
        (flow.user_code(), flow.verification_uri()),
        ("ABCD1234", "https://microsoft.com/devicelogin")
    );
    assert_eq!((flow.expires_in().as_secs(), flow.interval().as_secs()), (900, 5));
    assert!(!format!("{flow:?}").contains("canary"));
}

#[tokio::test]
async fn the_person_s_no_ends_it_at_once() {
    for (error, kind) in [
        ("authorization_declined", SignInErrorKind::Declined),
        ("bad_verification_code", SignInErrorKind::FlowVoid),
        ("expired_token", SignInErrorKind::Expired),
        ("invalid_client", SignInErrorKind::ClientMisconfigured),
    ] {
        let (outcome, slept, _) = flow(vec![pending(), refused(error)], &code()).await;
        assert_eq!(outcome.unwrap_err().kind, kind);
        assert_eq!(slept, [5, 5]);
    }
}

#[tokio::test]
async fn it_stops_by_itself_when_the_code_is_void() {
    let mut short = code();
    short["expires_in"] = json!("12");
    let (outcome, slept, provider) = flow(vec![pending()], &short).await;
    assert_eq!(outcome.unwrap_err().kind, SignInErrorKind::Expired);
    assert_eq!(slept, [5, 5, 2]);
    assert_eq!(provider.seen().len(), 3);
}

#[tokio::test]
async fn trouble_is_waited_out_and_told_at_the_end() {
    let busy = answer(429, "retry-after: 120\r\n", "");
    let script = vec![answer(502, "", "<html>"), busy, pending(), json_answer(200, &tokens_body())];
    let (tokens, slept, _) = flow(script, &code()).await;
    assert!(tokens.is_ok());
    assert_eq!(slept, [5, 10, 120, 5]);

    let (outcome, slept, _) = flow(vec![answer(503, "", "")], &code()).await;
    assert_eq!(outcome.unwrap_err().kind, SignInErrorKind::Unavailable);
    assert_eq!(slept.iter().sum::<u64>(), 900);
    assert!(slept.len() < 20);
}

#[tokio::test]
async fn odd_numbers_are_taken_within_bounds() {
    for (interval, expires_in, seconds) in [
        (json!(0), json!(-3), (1, 0)),
        (json!("7"), json!("60"), (7, 60)),
        (json!(null), json!(null), (5, 900)),
        (json!(1e12), json!(u64::MAX), (60, 1800)),
    ] {
        let mut body = code();
        (body["interval"], body["expires_in"]) = (interval, expires_in);
        let provider = Provider::start(vec![json_answer(200, &body)]).await;
        let flow = provider.sign_in().begin_device().await.unwrap();
        assert_eq!((flow.interval().as_secs(), flow.expires_in().as_secs()), seconds);
    }
}

#[tokio::test]
async fn nobody_is_sent_to_an_odd_page() {
    for (name, value) in [
        ("verification_uri", json!("http://microsoft.com/devicelogin")),
        ("verification_uri", json!("https://me@evil.com/")),
        ("verification_uri", json!("javascript:alert(1)")),
        ("verification_uri", json!("https://evil.com/\u{1b}[2J")),
        ("user_code", json!("a\nb")),
        ("user_code", json!("")),
        ("device_code", json!(null)),
    ] {
        let mut body = code();
        body[name] = value;
        let provider = Provider::start(vec![json_answer(200, &body)]).await;
        let error = provider.sign_in().begin_device().await.unwrap_err();
        assert_eq!(error.kind, SignInErrorKind::Malformed, "{body}");
    }
}
