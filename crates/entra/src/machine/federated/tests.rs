use valetkey_http::Settings;

use super::*;
use crate::testing::{Provider, answer, json_answer};

async fn asked(script: Vec<String>, github: bool) -> (Result<SecretString, SignInError>, String) {
    let provider = Provider::start(script).await;
    let (http, secret) = (Http::new(Settings::default()), SecretString::from("canary-job"));
    let url = format!("{}/job?v=1", provider.origin());
    let went = if github {
        github_token(&http, &url, &secret).await
    } else {
        pipelines_token(&http, &url, "c1", &secret).await
    };
    let head = provider.seen().first().map(|seen| seen.head.clone()).unwrap_or_default();
    (went, head)
}

fn lines(went: Result<SecretString, SignInError>) -> String {
    let error = went.unwrap_err();
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    format!("{:?}: {}; {}", error.kind, error.sentence, error.hint)
}

#[tokio::test]
async fn github_is_asked_for_the_right_audience_with_the_jobs_secret() {
    let body = serde_json::json!({"count": 3, "value": "canary-token"});
    let (went, head) = asked(vec![json_answer(200, &body)], true).await;
    assert_eq!(went.unwrap().expose_secret(), "canary-token");
    let line = "get /job?v=1&audience=api%3a%2f%2fazureadtokenexchange http";
    assert!(head.starts_with(line), "{head}");
    assert!(head.contains("authorization: bearer canary-job\r\n"), "{head}");
}

#[tokio::test]
async fn pipelines_are_asked_for_the_service_connection() {
    let body = serde_json::json!({"oidcToken": "canary-token"});
    let (went, head) = asked(vec![json_answer(200, &body)], false).await;
    assert_eq!(went.unwrap().expose_secret(), "canary-token");
    assert!(head.starts_with("post /job?v=1&api-version=7.1&serviceconnectionid=c1 http"), "{head}");
    assert!(head.contains("authorization: bearer canary-job\r\n"), "{head}");
}

#[tokio::test]
async fn every_refusal_has_its_sentence() {
    let job = "sign in again in this job";
    for (github, status, body, expected) in [
        (true, 401, "{}", format!("Misconfigured: GitHub Actions gives this job no identity token (401); give the job `permissions: id-token: write`, and {job}")),
        (true, 503, "", "Unavailable: GitHub Actions gives this job no identity token (503); try again in a while".to_owned()),
        (true, 200, "<html>", "Malformed: GitHub Actions answered without an identity token; run the job again".to_owned()),
        (true, 200, r#"{"value":"a\r\nb"}"#, "Malformed: GitHub Actions answered without an identity token; run the job again".to_owned()),
        (true, 302, "", format!("Misconfigured: GitHub Actions gives this job no identity token (302); give the job `permissions: id-token: write`, and {job}")),
        (false, 401, "", "Misconfigured: Azure Pipelines gives this job no identity token (401); pass `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` to the step: no other token will do".to_owned()),
        (false, 404, "{}", "Misconfigured: Azure Pipelines knows no running job or no service connection by this id; check `--service-connection`, and sign in again in each job".to_owned()),
        (false, 429, "", "Unavailable: Azure Pipelines gives this job no identity token (429); try again in a while".to_owned()),
        (false, 200, "{}", "Malformed: Azure Pipelines answered without an identity token; run the job again".to_owned()),
    ] {
        let (went, _) = asked(vec![answer(status, "", body)], github).await;
        assert_eq!(lines(went), expected);
    }
}

#[tokio::test]
async fn a_jobs_secret_goes_nowhere_unencrypted() {
    let http = Http::new(Settings::default());
    let secret = SecretString::from("canary-job");
    let went = github_token(&http, "http://pipelines.example/x", &secret).await;
    assert!(lines(went).contains("is not asked without encryption"));
    let went = github_token(&http, "nowhere", &secret).await;
    assert!(lines(went).contains("`ACTIONS_ID_TOKEN_REQUEST_URL` is not an address"));
    let went = pipelines_token(&http, "https://x", "c", &SecretString::from("a\nb")).await;
    assert!(lines(went).contains("is not a token"));
}
