//! A token for a key.

use valetkey_nuget_org::{NugetError, NugetErrorKind as Kind};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::server::Server;

const GOOD: &str =
    r#"{"tokenType":"ApiKey","expires":"2027-03-01T12:00:00.0000000+00:00","apiKey":"short-lived"}"#;

fn token() -> SecretString {
    SecretString::from("header.payload.signature")
}

async fn refused(status: u16, body: &str) -> NugetError {
    let server = Server::saying(status, &[], body).await;
    let error = server.nuget().exchange(&token(), "jane").await.unwrap_err();
    assert!(!format!("{error:?}").contains("signature"), "{error:?}");
    error
}

#[tokio::test]
async fn a_key_for_an_hour_and_what_is_sent_for_it() {
    let server = Server::saying(200, &[], GOOD).await;
    let key = server.nuget().exchange(&token(), " jane ").await.unwrap();
    assert_eq!((key.secret.expose_secret(), key.expires_at), ("short-lived", 1_803_902_400));
    assert!(!format!("{key:?}").contains("short-lived"));
    let asked = &server.asked()[0];
    assert_eq!(format!("{} {}", asked.method, asked.uri), "POST /api/v2/token");
    assert_eq!(asked.header("authorization"), "Bearer header.payload.signature");
    assert_eq!(asked.header("content-type"), "application/json");
    assert!(asked.header("user-agent").starts_with("valetkey/"));
    assert_eq!(asked.body, r#"{"username":"jane","tokenType":"ApiKey"}"#);
    assert_eq!(asked.header("x-nuget-apikey"), "");
}

#[tokio::test]
async fn every_refusal() {
    let used = "This bearer token has already been used. A new bearer token must be used for each request.";
    for (status, said, kind, hint) in [
        (401, "The bearer token is expired.", Kind::TokenRefused, "https://www.nuget.org"),
        (401, used, Kind::TokenUsed, "new token"),
        (
            401,
            "No matching trust policy owned by user 'jane' was found.",
            Kind::NoPolicy,
            "compare the policy",
        ),
        (400, "The username cannot be an organisation.", Kind::Rejected, "not an organisation"),
        (404, "This API is not enabled.", Kind::NoExchange, "keys add"),
        (415, "The content type must be application/json.", Kind::Rejected, ""),
        (429, "Rate limit is exceeded. Try again in 5 seconds.", Kind::Throttled, "5 s"),
        (500, "oops", Kind::Unavailable, "later"),
        (302, "", Kind::NotNuget, "network"),
        (201, "", Kind::Malformed, ""),
    ] {
        let error = refused(status, &format!("{{\"error\":\"{said}\"}}")).await;
        assert_eq!(error.kind, kind, "{status} {said}");
        assert!(error.hint.contains(hint), "{status} {said}: {}", error.hint);
        assert!(error.sentence.starts_with("cannot get a key for the profile `jane`"), "{error}");
    }
    assert!(refused(401, "{\"error\":\"The token is odd.\"}").await.sentence.ends_with(": The token is odd"));
    assert_eq!(refused(401, "<html>").await.kind, Kind::NotNuget);
}

#[tokio::test]
async fn an_answer_that_is_no_key() {
    for (body, kind) in [
        (String::new(), Kind::Malformed),
        ("{}".to_owned(), Kind::Malformed),
        (GOOD.replace("short-lived", ""), Kind::Malformed),
        (GOOD.replace("short-lived", "a\\nb"), Kind::Malformed),
        (GOOD.replace("short-lived", &"a".repeat(2000)), Kind::Malformed),
        (GOOD.replace("ApiKey", "Bearer"), Kind::Malformed),
        (GOOD.replace("2027-03-01T", "soon "), Kind::Malformed),
        ("<html>".to_owned(), Kind::NotNuget),
    ] {
        assert_eq!(refused(200, &body).await.kind, kind, "{body}");
    }
}

#[tokio::test]
async fn nothing_is_asked_for_nobody() {
    let server = Server::saying(200, &[], GOOD).await;
    let error = server.nuget().exchange(&token(), "  ").await.unwrap_err();
    assert_eq!(error.kind, Kind::Misuse);
    let odd = SecretString::from("two\nlines");
    assert_eq!(server.nuget().exchange(&odd, "jane").await.unwrap_err().kind, Kind::Misuse);
    assert!(server.asked().is_empty());
}
