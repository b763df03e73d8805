use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};
use valetkey_protocol::ExposeSecret as _;

use super::*;
use crate::testing::{CLIENT, Provider, TENANT, error_body, json_answer, tokens_body};

const AMPLE: Duration = Duration::from_secs(60);

/// A flow that waits, and what its address says.
struct Waiting {
    provider: Provider,
    query: BTreeMap<String, String>,
    port: u16,
    outcome: JoinHandle<Result<Tokens, SignInError>>,
}

impl Waiting {
    async fn start(script: Vec<String>) -> Self {
        let provider = Provider::start(script).await;
        let flow = provider.sign_in().begin_browser(Options::default()).await.unwrap();
        let query: BTreeMap<_, _> = flow.url().query_pairs().into_owned().collect();
        let port = Url::parse(&query["redirect_uri"]).unwrap().port().unwrap();
        Self { provider, query, port, outcome: tokio::spawn(flow.finish(AMPLE)) }
    }

    async fn get(&self, target: &str) -> String {
        get(self.port, target).await
    }

    fn code(&self) -> String {
        format!("/?code=the-code&state={}", self.query["state"])
    }
}

async fn get(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: */*\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn tokens() -> Vec<String> {
    vec![json_answer(200, &tokens_body())]
}

#[tokio::test]
async fn the_address_asks_for_a_code_with_pkce_and_nothing_more() {
    let provider = Provider::start(tokens()).await;
    let options = Options {
        login_hint: Some("ann@contoso.com".to_owned()),
        claims: Some("{\"access_token\":{}}".to_owned()),
        prompt: Some(Prompt::SelectAccount),
    };
    let flow = provider.sign_in().begin_browser(options).await.unwrap();
    assert!(flow.url().path().ends_with(&format!("/{TENANT}/oauth2/v2.0/authorize")));
    let query: BTreeMap<_, _> = flow.url().query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("client_id", CLIENT),
        ("code_challenge_method", "S256"),
        ("login_hint", "ann@contoso.com"),
        ("claims", "{\"access_token\":{}}"),
        ("prompt", "select_account"),
        ("client_info", "1"),
    ] {
        assert_eq!(query[name], value);
    }
    assert!(query["redirect_uri"].starts_with("http://localhost:") && !query["redirect_uri"].ends_with('/'));
    assert_eq!((query["state"].len(), query["nonce"].len(), query["code_challenge"].len()), (43, 43, 43));
    let again = provider.sign_in().begin_browser(Options::default()).await.unwrap();
    assert!(!again.url().as_str().contains(&query["state"]));
    let shown = format!("{flow:?}");
    assert!(
        ![flow.verifier.secret(), &query["state"], &query["nonce"]]
            .iter()
            .any(|secret| shown.contains(*secret))
    );
}

#[tokio::test]
async fn a_code_is_redeemed_and_the_browser_told_so() {
    let waiting = Waiting::start(tokens()).await;
    let page = waiting.get(&waiting.code()).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<h1>You are signed in</h1>"), "{page}");
    assert_eq!(
        waiting.outcome.await.unwrap().unwrap().refresh_token.unwrap().expose_secret(),
        "canary-refresh"
    );
    let seen = waiting.provider.seen();
    assert_eq!(seen.len(), 1);
    let form = &seen[0].form;
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "the-code"));
    assert_eq!(form["redirect_uri"], waiting.query["redirect_uri"]);
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(form["code_verifier"].clone()));
    assert_eq!(challenge.as_str(), waiting.query["code_challenge"]);
    assert!(!form.contains_key("client_secret"));
}

#[tokio::test]
async fn foreign_requests_neither_end_it_nor_reach_the_provider() {
    let waiting = Waiting::start(tokens()).await;
    for (target, status) in [
        ("/favicon.ico", "404"),
        ("/?code=x&state=foreign", "400"),
        ("/?code=x", "400"),
        ("/?error=access_denied&state=foreign", "400"),
        ("/other?code=x&state=y", "404"),
    ] {
        let page = waiting.get(target).await;
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {page}");
    }
    let long = format!("/?code={}&state={}", "a".repeat(20_000), waiting.query["state"]);
    let mut stream = TcpStream::connect(("127.0.0.1", waiting.port)).await.unwrap();
    let _ = stream.write_all(format!("GET {long} HTTP/1.1\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    assert!(waiting.provider.seen().is_empty());
    assert!(waiting.get(&waiting.code()).await.contains("You are signed in"));
    assert!(waiting.outcome.await.unwrap().is_ok());
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let waiting = Waiting::start(tokens()).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(("127.0.0.1", waiting.port)).await.unwrap();
        stream.write_all(b"GET /").await.unwrap();
        silent.push(stream);
    }
    assert!(waiting.get(&waiting.code()).await.contains("You are signed in"));
    assert!(waiting.outcome.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_same_redirect_twice_is_redeemed_once() {
    let provider = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sign_in = Provider::start(Vec::new()).await.sign_in();
    let address = format!("http://{}", provider.local_addr().unwrap());
    sign_in.authority = crate::Authority::configured(&address).unwrap();
    let flow = sign_in.begin_browser(Options::default()).await.unwrap();
    let (port, state) = (flow.listener.port(), flow.state.expose_secret().to_owned());
    let target = format!("/?code=the-code&state={state}");
    let outcome = tokio::spawn(flow.finish(AMPLE));
    let first = tokio::spawn({
        let target = target.clone();
        async move { get(port, &target).await }
    });
    // The provider has the question and has not answered it: the flow is taken, and not over.
    let (mut question, _) = provider.accept().await.unwrap();
    let second = get(port, &target).await;
    assert!(second.starts_with("HTTP/1.1 410 ") && second.contains("over"), "{second}");
    question.write_all(tokens()[0].as_bytes()).await.unwrap();
    question.shutdown().await.unwrap();
    assert!(first.await.unwrap().contains("You are signed in"));
    assert!(outcome.await.unwrap().is_ok());
    // The listener's task ends when it is scheduled next, so the port closes in a moment and not at once.
    let closed = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(AMPLE, closed).await.expect("the port stays open");
}

#[tokio::test]
async fn the_real_reason_is_shown_escaped() {
    let waiting = Waiting::start(tokens()).await;
    let target = format!(
        "/?error=access_denied&error_description=AADSTS65004%3a+%3Cscript%3Ealert(1)%3C%2fscript%3E&state={}",
        waiting.query["state"]
    );
    let page = waiting.get(&target).await;
    assert!(page.contains("You are not signed in") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script"));
    let error = waiting.outcome.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.code), (SignInErrorKind::ConsentMissing, Some(65004)));
    assert!(waiting.provider.seen().is_empty());
}

#[tokio::test]
async fn a_code_that_is_refused_fails_in_both_places() {
    let waiting =
        Waiting::start(vec![json_answer(400, &error_body("invalid_grant", "", 54005, "Redeemed"))]).await;
    let page = waiting.get(&waiting.code()).await;
    assert!(page.contains("this sign-in can no longer be completed"), "{page}");
    assert_eq!(waiting.outcome.await.unwrap().unwrap_err().kind, SignInErrorKind::FlowVoid);
}

#[tokio::test]
async fn an_answer_for_another_sign_in_is_not_taken() {
    let mut body = tokens_body();
    let claims = json!({"aud": CLIENT, "nonce": "another"}).to_string();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
    body["id_token"] = Value::from(format!("e30.{encoded}.x"));
    let waiting = Waiting::start(vec![json_answer(200, &body)]).await;
    assert!(waiting.get(&waiting.code()).await.contains("You are not signed in"));
    assert_eq!(waiting.outcome.await.unwrap().unwrap_err().kind, SignInErrorKind::StateMismatch);
}

#[tokio::test]
async fn it_ends_when_nobody_comes() {
    let provider = Provider::start(Vec::new()).await;
    let flow = provider.sign_in().begin_browser(Options::default()).await.unwrap();
    let port = flow.listener.port();
    assert_eq!(flow.finish(Duration::ZERO).await.unwrap_err().kind, SignInErrorKind::Expired);
    tokio::task::yield_now().await;
    // The listener's task ends when it is scheduled next, so the port closes in a moment and not at once.
    let closed = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(AMPLE, closed).await.expect("the port stays open");
}
