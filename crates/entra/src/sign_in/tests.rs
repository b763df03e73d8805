use serde_json::json;
use valetkey_http::Settings;

use super::*;
use crate::testing::{CLIENT, Provider, TENANT, answer, error_body, json_answer, tokens_body};

fn secret() -> SecretString {
    SecretString::from("canary-old")
}

async fn refreshed(script: Vec<String>, claims: Option<&str>) -> (Result<Tokens, SignInError>, Provider) {
    let provider = Provider::start(script).await;
    (provider.sign_in().refresh(&secret(), claims).await, provider)
}

#[tokio::test]
async fn a_refresh_asks_as_a_public_client_and_takes_what_is_new() {
    let (tokens, provider) = refreshed(vec![json_answer(200, &tokens_body())], Some("{\"a\":1}")).await;
    let tokens = tokens.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "canary-access");
    assert_eq!(tokens.refresh_token.as_ref().unwrap().expose_secret(), "canary-refresh");
    assert_eq!(tokens.account_id.as_deref(), Some("u.t"));
    assert!(tokens.grants("vso.pats") && tokens.grants("vso.pats_manage"));

    let seen = &provider.seen()[0];
    assert!(seen.head.starts_with(&format!("post /{TENANT}/oauth2/v2.0/token http/1.1\r\n")));
    for header in
        ["x-ms-lib-capability: retry-after, h429\r\n", "\r\nclient-request-id: ", "\r\nuser-agent: valetkey/"]
    {
        assert!(seen.head.contains(header), "{header}");
    }
    assert!(!seen.head.contains("authorization") && !seen.form.contains_key("client_secret"));
    for (name, value) in [
        ("grant_type", "refresh_token"),
        ("refresh_token", "canary-old"),
        ("client_id", CLIENT),
        ("client_info", "1"),
        ("claims", "{\"a\":1}"),
        (
            "scope",
            "499b84ac-1321-427f-aa17-267ca6975798/vso.pats 499b84ac-1321-427f-aa17-267ca6975798/vso.pats_manage \
             offline_access openid profile",
        ),
    ] {
        assert_eq!(seen.form.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_provider_that_granted_less_is_asked_for_what_it_granted() {
    let stricter = json_answer(400, &json!({"error": "invalid_scope", "error_description": "too much"}));
    let (tokens, provider) = refreshed(vec![stricter.clone(), json_answer(200, &tokens_body())], None).await;
    assert!(tokens.is_ok());
    let seen = provider.seen();
    assert!(seen[0].form.contains_key("scope") && !seen[1].form.contains_key("scope"));
    assert_eq!(seen[1].form["refresh_token"], "canary-old");

    let (error, provider) = refreshed(vec![stricter], None).await;
    assert_eq!(error.unwrap_err().kind, SignInErrorKind::ScopeInvalid);
    assert_eq!(provider.seen().len(), 2);

    let of_entra = json_answer(400, &error_body("invalid_scope", "", 70011, "Not valid"));
    let (error, provider) = refreshed(vec![of_entra], None).await;
    assert_eq!(error.unwrap_err().kind, SignInErrorKind::ScopeInvalid);
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test]
async fn a_dead_session_is_asked_about_once_and_retry_after_is_passed_on() {
    let dead = json_answer(400, &error_body("invalid_grant", "bad_token", 50173, "Revoked"));
    let (error, provider) = refreshed(vec![dead], None).await;
    assert_eq!(error.unwrap_err().kind, SignInErrorKind::SessionEnded);
    assert_eq!(provider.seen().len(), 1);

    let (error, _) = refreshed(vec![answer(429, "retry-after: 120\r\n", "")], None).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (SignInErrorKind::Throttled, Some(120)));
    assert_eq!(error.refusal().retry_after, Some(120));
}

#[tokio::test]
async fn bad_answers_are_errors_and_show_no_secret() {
    let huge = "a".repeat(2 << 20);
    let redirect = answer(302, "location: http://127.0.0.1:1/\r\n", "");
    for script in [
        redirect,
        String::new(),
        answer(200, "", "<html>"),
        answer(200, "", ""),
        answer(200, "content-type: text/html\r\n", "{\"access_token\":\"canary\",\"token_type\":\"pop\"}"),
        answer(200, "", "{\"access_token\":[\"canary\"]}"),
        answer(200, "", "{\"access_token\":\"canary\",\"refresh_token\":true}"),
        answer(200, "", &huge),
        answer(204, "", ""),
        answer(400, "", "canary"),
        answer(500, "", "{\"error\":\"canary\"}"),
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"access_token\":\"can".to_owned(),
        "canary\r\n\r\n".to_owned(),
    ] {
        let (error, provider) = refreshed(vec![script.clone()], None).await;
        let error = error.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        assert_eq!(provider.seen().len(), 1, "asked again after {script:.80}");
    }
}

#[test]
fn every_flow_may_run_on_any_thread() {
    fn on_any_thread<T: Send>(_: fn(SignIn) -> T) {}
    on_any_thread(|sign_in| async move {
        let _ = sign_in.refresh(&secret(), None).await;
        if let Ok(flow) = sign_in.begin_device().await {
            let _ = flow.finish().await;
        }
        if let Ok(flow) = sign_in.begin_browser(Options::default()).await {
            let _ = flow.finish(std::time::Duration::ZERO).await;
        }
    });
}

#[tokio::test]
async fn json_is_read_whatever_its_content_type_and_mark() {
    let (tokens, _) = refreshed(
        vec![answer(200, "content-type: text/plain\r\n", &format!("\u{feff}{}", tokens_body()))],
        None,
    )
    .await;
    assert!(tokens.is_ok());
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    let provider = Provider::start(vec![json_answer(200, &tokens_body())]).await;
    let with = |client_id: &str, tenant: &str| SignIn {
        client_id: client_id.to_owned(),
        tenant: tenant.to_owned(),
        ..provider.sign_in()
    };
    for (sign_in, kind) in [
        (with("", TENANT), SignInErrorKind::ClientIdMissing),
        (with("a&b", TENANT), SignInErrorKind::Misconfigured),
        (with(CLIENT, ""), SignInErrorKind::Misconfigured),
        (with(CLIENT, "../x"), SignInErrorKind::Misconfigured),
        (with(CLIENT, ".."), SignInErrorKind::Misconfigured),
        (with(CLIENT, "a/b?c#d"), SignInErrorKind::Misconfigured),
    ] {
        assert_eq!(sign_in.refresh(&secret(), None).await.unwrap_err().kind, kind);
        assert_eq!(sign_in.begin_device().await.unwrap_err().kind, kind);
        assert_eq!(sign_in.begin_browser(Options::default()).await.unwrap_err().kind, kind);
    }
    for claims in ["", "x", "[]", "\"\""] {
        assert!(provider.sign_in().refresh(&secret(), Some(claims)).await.is_err());
    }
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn a_failing_network_keeps_its_own_words() {
    let gone = {
        let provider = Provider::start(Vec::new()).await;
        let mut sign_in = provider.sign_in();
        sign_in.authority = Authority::configured("https://idp.invalid").unwrap();
        // Without a network, the system asks for names for longer than a connection may take.
        let long = std::time::Duration::from_secs(60);
        let patient = Settings { connect_timeout: long, total_timeout: long, ..Settings::default() };
        sign_in.http = Http::new(patient);
        sign_in
    };
    let error = gone.refresh(&secret(), None).await.unwrap_err();
    assert_eq!(error.kind, SignInErrorKind::Unavailable);
    assert_eq!(error.sentence, "the name `idp.invalid` cannot be resolved");

    let proxied = Settings { proxy: Some("http://me:hunter2@127.0.0.1:9".to_owned()), ..Settings::default() };
    let error = SignIn { http: Http::new(proxied), ..gone }.refresh(&secret(), None).await.unwrap_err();
    assert_eq!(error.kind, SignInErrorKind::Proxy);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_answer_of_another_tenant_is_not_taken() {
    let mut body = tokens_body();
    // {"aud":"<CLIENT>","tid":"9188040d-…"}
    let claims = json!({"aud": CLIENT, "tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}).to_string();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
    body["id_token"] = json!(format!("e30.{encoded}.x"));
    let (error, _) = refreshed(vec![json_answer(200, &body)], None).await;
    assert_eq!(error.unwrap_err().kind, SignInErrorKind::TenantWrong);
}

#[tokio::test]
async fn an_application_passes_claims_on_and_none_that_are_no_claims() {
    let provider = Provider::start(vec![json_answer(200, &tokens_body())]).await;
    let claims = r#"{"access_token":{"nbf":{"essential":true}}}"#;
    let (proof, sign_in) = (secret(), provider.sign_in());
    let _ = sign_in.for_itself_with(crate::Proof::Secret(&proof), Some(claims)).await;
    let _ = sign_in.for_itself(crate::Proof::Assertion(&proof)).await;
    assert!(sign_in.for_itself_with(crate::Proof::Secret(&proof), Some("[]")).await.is_err());
    let seen: Vec<_> = provider.seen().iter().map(|seen| seen.form.get("claims").cloned()).collect();
    assert_eq!(seen, [Some(claims.to_owned()), None]);
}
