use serde_json::json;
use valetkey_http::Settings;

use super::*;
use crate::testing::{Provider, answer, json_answer};

const APP: &str = "0a1b2c3d-0000-4000-8000-00000000c11e";

fn given() -> Value {
    json!({
        "access_token": "canary-access", "client_id": APP, "expires_in": "86399", "expires_on": "1800086399",
        "resource": AZURE_DEVOPS, "token_type": "Bearer",
    })
}

async fn asked(script: Vec<String>) -> (Result<Tokens, SignInError>, Vec<String>) {
    let provider = Provider::start(script).await;
    let http = Http::new(Settings::default());
    let host = provider.origin();
    let went = Managed::VirtualMachine { host: Some(&host) }.token(&http, Some(APP)).await;
    (went, provider.seen().into_iter().map(|seen| seen.head).collect())
}

#[tokio::test]
async fn a_virtual_machine_asks_as_azure_wants_it() {
    let (went, heads) = asked(vec![json_answer(200, &given())]).await;
    let tokens = went.unwrap();
    assert_eq!((tokens.expires_in.as_secs(), tokens.username.as_deref()), (86399, Some(APP)));
    assert!(tokens.refresh_token.is_none());
    let line = format!(
        "get /metadata/identity/oauth2/token?api-version=2018-02-01&resource={AZURE_DEVOPS}&client_id={APP} http"
    );
    assert!(heads[0].starts_with(&line), "{}", heads[0]);
    assert!(heads[0].contains("\r\nmetadata: true\r\n"), "{}", heads[0]);
}

#[tokio::test]
async fn an_app_service_tells_only_when_a_token_ends() {
    let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 7200;
    let body =
        json!({"access_token": "canary-access", "expires_on": end.to_string(), "token_type": "Bearer"});
    let provider = Provider::start(vec![json_answer(200, &body)]).await;
    let endpoint = format!("{}/msi/token", provider.origin());
    let header = SecretString::from("canary-header");
    let managed = Managed::AppService { endpoint: &endpoint, header: &header };
    assert!(!format!("{managed:?}").contains("canary"));
    let tokens = managed.token(&Http::new(Settings::default()), None).await.unwrap();
    assert!((7100..=7200).contains(&tokens.expires_in.as_secs()), "{:?}", tokens.expires_in);
    let head = &provider.seen()[0].head;
    assert!(head.starts_with("get /msi/token?api-version=2019-08-01&resource="), "{head}");
    assert!(head.contains("\r\nx-identity-header: canary-header\r\n"), "{head}");
}

#[tokio::test]
async fn passing_trouble_is_waited_out_and_lasting_trouble_told() {
    let trouble = |status| answer(status, "", "");
    let (went, heads) =
        asked(vec![trouble(404), trouble(410), trouble(500), json_answer(200, &given())]).await;
    assert!(went.is_ok() && heads.len() == 4, "{went:?} {heads:?}");
    for (status, expected) in [
        (404, "Unavailable: the metadata service cannot serve at the moment (404); try again in a while"),
        (410, "Unavailable: the metadata service cannot serve at the moment (410); try again in a while"),
        (429, "Throttled: the metadata service cannot serve at the moment (429); try again in a while"),
        (503, "Unavailable: the metadata service cannot serve at the moment (503); try again in a while"),
    ] {
        let (went, heads) = asked(vec![trouble(status)]).await;
        assert_eq!(lines(went), expected);
        assert_eq!(heads.len(), 4, "{status}");
    }
}

#[tokio::test]
async fn every_refusal_has_its_sentence() {
    let none = "Misconfigured: this machine has no such managed identity; give it one in Azure, or name the right one \
                with `--client-id`";
    let answered = "Malformed: the metadata service answered without a token; check that no gateway answers in its place";
    for (status, body, expected) in [
        (400, r#"{"error":"identity_not_found","error_description":"x"}"#, none),
        (400, r#"{"error":"invalid_request","error_description":"Identity not found"}"#, none),
        (
            400,
            r#"{"error":"invalid_resource","error_description":"AADSTS500011: No such principal.\r\nTrace ID: 1"}"#,
            "Misconfigured: the metadata service gives this machine no token (400): No such principal; check the \
             machine's managed identities in Azure",
        ),
        (
            403,
            "<html>",
            "Misconfigured: the metadata service gives this machine no token (403); check the machine's managed \
             identities in Azure",
        ),
        (200, "<html>", answered),
        (200, r#"{"access_token":""}"#, answered),
        (200, r#"{"access_token":7}"#, answered),
    ] {
        let (went, heads) = asked(vec![answer(status, "", body)]).await;
        assert_eq!(lines(went), expected);
        assert_eq!(heads.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn nothing_but_azures_address_is_asked() {
    let http = Http::new(Settings::default());
    for host in ["http://10.0.0.1", "https://169.254.169.254", "http://169.254.169.254:8080", "nowhere"] {
        let went = Managed::VirtualMachine { host: Some(host) }.token(&http, None).await;
        assert!(lines(went).starts_with("Misconfigured: "), "{host}");
    }
    // Nor is anything lent to another one.
    for endpoint in
        ["http://himds.example:40342/x", "http://localhost@himds.example/x", "https://localhost:40342/x"]
    {
        let went = Managed::Arc { endpoint }.token(&http, None).await;
        assert!(lines(went).contains("is not Azure's metadata service"), "{endpoint}");
    }
    let went = Managed::VirtualMachine { host: None }.token(&http, Some("a b")).await;
    assert!(lines(went).starts_with("Misconfigured: the client id is not one"));
}

fn lines(went: Result<Tokens, SignInError>) -> String {
    let error = went.unwrap_err();
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    format!("{:?}: {}; {}", error.kind, error.sentence, error.hint)
}
