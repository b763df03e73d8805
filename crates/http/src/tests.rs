use std::{path::Path, process::Command, time::Duration};

use super::*;
use crate::testing::{
    Authority, closed_port, guarded_proxy_to, proxy_to, serve, serve_drop_by_drop, serve_tls,
};

// It says that it closes, so that nobody asks again on a connection whose end is on its way.
const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
const VALID: (i32, i32) = (2020, 2090);

async fn ask(settings: Settings, url: String) -> Result<Reply, HttpError> {
    Http::new(settings).send(Http::get(Url::parse(&url).unwrap())).await
}

fn with_proxy(port: u16) -> Settings {
    Settings { proxy: Some(format!("http://me:hunter2@127.0.0.1:{port}")), ..Settings::default() }
}

fn trusting(authority: &Authority, folder: &Path) -> Settings {
    let file = folder.join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    Settings { ca_file: Some(file), ..Settings::default() }
}

fn lines(error: &HttpError) -> String {
    let lines = format!("{error}\n{}", error.hint());
    assert!(!format!("{lines}{error:?}").contains("hunter2"), "{error:?}");
    lines
}

#[tokio::test]
async fn an_answer_comes_back_whatever_its_status() {
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let reply =
        ask(Settings::default(), format!("http://127.0.0.1:{}/a", serve(redirect).await)).await.unwrap();
    assert_eq!(reply.status, StatusCode::FOUND);
    let marked = "HTTP/1.1 418 x\r\ncontent-length: 11\r\n\r\n\u{feff}{\"a\":12}";
    let reply = ask(Settings::default(), format!("http://127.0.0.1:{}/", serve(marked).await)).await.unwrap();
    assert_eq!(reply.json::<serde_json::Value>().unwrap()["a"], 12);
    assert!(!format!("{reply:?}").contains("\"a\""));
}

#[tokio::test]
async fn plain_http_goes_to_loopback_only_and_user_names_nowhere() {
    for url in [
        "http://dev.azure.com/",
        "http://localhost.evil/",
        "ftp://127.0.0.1/",
        "https://me:pw@dev.azure.com/",
    ] {
        let error = ask(Settings::default(), url.to_owned()).await.unwrap_err();
        assert!(matches!(error, HttpError::Configuration { .. }), "{url}: {error:?}");
        assert!(!error.may_have_arrived());
        assert!(!error.to_string().contains("pw"));
    }
}

#[tokio::test]
async fn only_the_metadata_service_is_asked_as_one() {
    let http = Http::new(Settings::default());
    for url in [
        "http://169.254.169.253/metadata",
        "http://169.254.169.254:8080/metadata",
        "https://169.254.169.254/metadata",
        "http://me@169.254.169.254/metadata",
        "http://me:hunter2@127.0.0.1/metadata",
        "http://169.254.169.254.evil/metadata",
        "http://[fe80::a9fe:a9fe]/metadata",
        "http://dev.azure.com/",
    ] {
        let error = http.send_to_metadata(Http::get(Url::parse(url).unwrap())).await.unwrap_err();
        assert!(matches!(error, HttpError::Configuration { .. }), "{url}: {error:?}");
        assert!(!lines(&error).is_empty());
    }
    // Everything else keeps away from it, whatever a configuration says.
    let metadata = "http://169.254.169.254/metadata".to_owned();
    let error = ask(Settings::default(), metadata).await.unwrap_err();
    assert!(matches!(error, HttpError::Configuration { .. }), "{error:?}");
    let stand_in = format!("http://127.0.0.1:{}/metadata", serve(OK).await);
    assert!(http.send_to_metadata(Http::get(Url::parse(&stand_in).unwrap())).await.is_ok());
}

#[tokio::test]
async fn a_body_is_cut_off_at_the_limit() {
    let exact = format!("HTTP/1.1 200 OK\r\ncontent-length: {MAX_BODY}\r\n\r\n{}", "a".repeat(MAX_BODY));
    let reply = ask(Settings::default(), format!("http://127.0.0.1:{}/", serve(exact).await)).await.unwrap();
    assert_eq!(reply.body.len(), MAX_BODY);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(10 * MAX_BODY));
    let error =
        ask(Settings::default(), format!("http://127.0.0.1:{}/", serve(endless).await)).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { .. }) && error.may_have_arrived(), "{error:?}");
}

#[tokio::test]
async fn silence_and_broken_connections_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    let hasty = Settings { total_timeout: Duration::from_millis(100), ..Settings::default() };
    for url in [silent, format!("http://127.0.0.1:{}/", serve_drop_by_drop().await)] {
        let error = ask(hasty.clone(), url).await.unwrap_err();
        assert!(matches!(error, HttpError::TimedOut { sent: true, .. }), "{error:?}");
    }

    let error = ask(Settings::default(), format!("http://127.0.0.1:{}/", serve("").await)).await.unwrap_err();
    assert!(matches!(error, HttpError::Interrupted { .. }) && error.may_have_arrived(), "{error:?}");

    let error = ask(Settings::default(), format!("http://127.0.0.1:{}/", closed_port())).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }) && !error.may_have_arrived(), "{error:?}");

    // Without a network, the system asks for names for longer than a connection may take.
    let long = Duration::from_secs(60);
    let patient = Settings { connect_timeout: long, total_timeout: long, ..Settings::default() };
    let error = ask(patient, "https://nowhere.invalid/".to_owned()).await.unwrap_err();
    assert_eq!(error, HttpError::UnknownName { host: "nowhere.invalid".to_owned() });
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_is_none() {
    let http = Http::new(Settings::default());
    let request = |port: u16| {
        let mut request = Http::get(Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap());
        let mut value = header::HeaderValue::from_static("Bearer canary-header");
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("plain-value"));
        request
    };
    let answer = |status: u16, body: &str| {
        format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    for (status, body, repeats) in [
        (200, "canary-header", true),
        (403, "no: canary-header", true),
        (403, "no: canary-body", true),
        (200, "canary-body", false),
        (403, "no: plain-value", false),
    ] {
        let port = serve(answer(status, body)).await;
        let went = http.send_with(request(port), &["canary-body"]).await;
        assert_eq!(went.is_err(), repeats, "{status} {body}");
        let Err(error) = went else { continue };
        assert_eq!(error, HttpError::Repeated { host: format!("127.0.0.1:{port}") });
        assert!(error.may_have_arrived() && !lines(&error).contains("canary"));
    }
}

#[tokio::test]
async fn a_failing_proxy_is_named_as_such() {
    let url = || "https://dev.azure.com/contoso?secret=1".to_owned();
    for (answer, why) in [
        ("HTTP/1.1 407 Authenticate\r\n\r\n", ProxyFailure::AuthenticationRequired),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", ProxyFailure::Refused),
        ("", ProxyFailure::Broken),
    ] {
        let error = ask(with_proxy(serve(answer).await), url()).await.unwrap_err();
        assert!(matches!(&error, HttpError::Proxy { why: found, .. } if *found == why), "{error:?}");
        assert!(lines(&error).contains("dev.azure.com") && lines(&error).contains("proxy"), "{error}");
        assert!(!lines(&error).contains("secret"));
    }
    let error = ask(with_proxy(closed_port()), url()).await.unwrap_err();
    assert!(matches!(error, HttpError::Proxy { why: ProxyFailure::Unreachable, .. }), "{error:?}");
    assert!(lines(&error).ends_with("check `[network] proxy`"));
}

#[tokio::test]
async fn a_proxy_is_told_the_host_and_the_password_and_tls_goes_through_it() {
    let authority = Authority::new("ours");
    let folder = tempfile::tempdir().unwrap();
    let target = serve_tls(&authority, "dev.azure.com", VALID, OK).await;
    let (port, mut seen) = proxy_to(target).await;
    let settings = Settings { proxy: with_proxy(port).proxy, ..trusting(&authority, folder.path()) };
    let reply = ask(settings, "https://dev.azure.com/contoso?secret=1".to_owned()).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    let head = seen.recv().await.unwrap();
    assert!(head.starts_with("CONNECT dev.azure.com:443 HTTP/1.1\r\n"), "{head}");
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains("\r\nproxy-authorization: basic bwu6ahvudgvymg==\r\n"), "{head}");
    assert!(!head.contains("secret"));
}

/// `me:right`.
const RIGHT: &str = "Basic bWU6cmlnaHQ=";

/// What was shown to the proxy since the last time.
fn shown(seen: &mut tokio::sync::mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| seen.try_recv().ok()).collect()
}

#[tokio::test]
async fn lent_credentials_are_shown_when_the_proxy_asks_and_are_kept_while_they_serve() {
    let authority = Authority::new("ours");
    let folder = tempfile::tempdir().unwrap();
    let target = serve_tls(&authority, "dev.azure.com", VALID, OK).await;
    let (port, mut seen) = guarded_proxy_to(target, RIGHT).await;
    let proxy = Some(format!("http://127.0.0.1:{port}"));
    let http = Http::new(Settings { proxy, ..trusting(&authority, folder.path()) });
    let create = || {
        let url = Url::parse("https://dev.azure.com/contoso").unwrap();
        Http::json(Method::POST, url, &serde_json::json!({ "a": 1 })).unwrap()
    };
    let error = http.send(create()).await.unwrap_err();
    assert!(
        matches!(&error, HttpError::Proxy { why: ProxyFailure::AuthenticationRequired, .. }),
        "{error:?}"
    );
    assert_eq!(shown(&mut seen), [""]);

    http.lend_to_proxy("me", "wrong");
    for _ in 0..3 {
        http.send(create()).await.unwrap_err();
        http.lend_to_proxy("me", "wrong");
    }
    assert_eq!(shown(&mut seen), ["", "Basic bWU6d3Jvbmc=", "", ""], "wrong ones are shown once");

    http.lend_to_proxy("me", "right");
    assert_eq!(http.send(create()).await.unwrap().status, StatusCode::OK);
    assert_eq!(shown(&mut seen), ["", RIGHT]);
    http.lend_to_proxy("me", "later");
    assert_eq!(http.clone().send(create()).await.unwrap().status, StatusCode::OK);
    assert_eq!(shown(&mut seen), [RIGHT], "what serves is not changed");
}

#[tokio::test]
async fn lent_credentials_are_not_shown_where_the_address_has_its_own_or_nobody_asks() {
    let (port, mut seen) = guarded_proxy_to(closed_port(), RIGHT).await;
    let http = Http::new(with_proxy(port));
    http.lend_to_proxy("me", "right");
    http.send(Http::get(Url::parse("https://dev.azure.com/").unwrap())).await.unwrap_err();
    assert_eq!(shown(&mut seen), ["Basic bWU6aHVudGVyMg=="]);

    let (port, mut seen) = proxy_to(closed_port()).await;
    let proxy = Some(format!("http://127.0.0.1:{port}"));
    let http = Http::new(Settings { proxy, ..Settings::default() });
    http.lend_to_proxy("me", "canary-lent");
    let error = http.send(Http::get(Url::parse("https://dev.azure.com/").unwrap())).await.unwrap_err();
    assert!(!format!("{http:?}{error:?}{error}").contains("canary-lent"));
    assert!(!seen.recv().await.unwrap().to_ascii_lowercase().contains("proxy-authorization"));
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_named_by_its_variable() {
    let https_proxy = Some(format!("http://127.0.0.1:{}", closed_port()));
    let environment = ProxyEnvironment { https_proxy, ..ProxyEnvironment::default() };
    let error =
        ask(Settings { environment, ..Settings::default() }, "https://dev.azure.com/".to_owned()).await;
    assert!(error.unwrap_err().hint().contains("`HTTPS_PROXY`"));
}

#[tokio::test]
async fn loopback_is_asked_directly() {
    let port = serve(OK).await;
    assert!(ask(with_proxy(closed_port()), format!("http://localhost:{port}/")).await.is_ok());
}

#[tokio::test]
async fn certificates_fail_for_a_named_reason() {
    let (ours, theirs, old) = (Authority::new("ours"), Authority::new("theirs"), Authority::new("ours"));
    let folder = tempfile::tempdir().unwrap();
    let trusting = trusting(&ours, folder.path());
    let good = serve_tls(&ours, "localhost", VALID, OK).await;
    assert_eq!(
        ask(trusting.clone(), format!("https://localhost:{good}/")).await.unwrap().status,
        StatusCode::OK
    );
    for (authority, name, years, why) in [
        (&theirs, "localhost", VALID, TlsFailure::UntrustedIssuer),
        (&old, "localhost", VALID, TlsFailure::UntrustedIssuer),
        (&ours, "dev.azure.com", VALID, TlsFailure::WrongName),
        (&ours, "localhost", (2000, 2001), TlsFailure::Expired),
        (&ours, "localhost", (2088, 2090), TlsFailure::NotYetValid),
    ] {
        let port = serve_tls(authority, name, years, OK).await;
        let error = ask(trusting.clone(), format!("https://localhost:{port}/")).await.unwrap_err();
        assert_eq!(error, HttpError::Tls { host: format!("localhost:{port}"), why });
        let (sentence, hint) = (error.to_string(), error.hint());
        let of_time = match why {
            TlsFailure::Expired => Some(("has expired", "has to renew the certificate")),
            TlsFailure::NotYetValid => Some(("is not valid yet", "before its time")),
            _ => None,
        };
        assert_eq!(hint.contains("clock"), of_time.is_some());
        assert!(of_time.is_none_or(|(what, next)| sentence.ends_with(what) && hint.contains(next)), "{hint}");
        assert!(!error.may_have_arrived());
    }
    let port = serve(OK).await;
    let error = ask(trusting, format!("https://localhost:{port}/")).await.unwrap_err();
    assert_eq!(error, HttpError::Tls { host: format!("localhost:{port}"), why: TlsFailure::Handshake });
}

#[tokio::test]
async fn an_untrusted_certificate_of_the_proxy_is_the_proxy_s() {
    let port = serve_tls(&Authority::new("ours"), "localhost", VALID, OK).await;
    let settings = Settings { proxy: Some(format!("https://localhost:{port}")), ..Settings::default() };
    let error = ask(settings, "https://dev.azure.com/".to_owned()).await.unwrap_err();
    assert_eq!(error, HttpError::Tls { host: format!("localhost:{port}"), why: TlsFailure::UntrustedIssuer });
}

#[tokio::test]
async fn a_bad_ca_file_is_named_and_may_be_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = Some(folder.path().join("ca.pem"));
    let authority = Authority::new("ours");
    let url = format!("https://localhost:{}/", serve_tls(&authority, "localhost", VALID, OK).await);
    let http = Http::new(Settings { ca_file, ..Settings::default() });
    let ask = || http.send(Http::get(Url::parse(&url).unwrap()));
    assert!(ask().await.unwrap_err().to_string().ends_with("cannot be read: entity not found"));
    std::fs::write(folder.path().join("ca.pem"), "nothing").unwrap();
    assert!(ask().await.unwrap_err().to_string().ends_with("holds no certificate"));
    let garbled = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.path().join("ca.pem"), garbled).unwrap();
    assert!(ask().await.unwrap_err().to_string().ends_with("holds a certificate that cannot be read"));
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    assert!(ask().await.is_ok());
}

/// The platform's verifier reads the variable from the process it runs in, so this very test runs again as a child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ssl_cert_file_is_honoured_beside_the_ca_file() {
    const CHILD: &str = "VALETKEY_TEST_TRUST";
    #[expect(clippy::disallowed_methods, reason = "how the parent talks to the child of this test")]
    if let Ok(task) = std::env::var(CHILD) {
        let (ca_file, urls) = task.split_once(' ').unwrap();
        let http = Http::new(Settings { ca_file: Some(ca_file.into()), ..Settings::default() });
        for url in urls.split(' ') {
            http.send(Http::get(Url::parse(url).unwrap())).await.unwrap();
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (by_variable, by_setting) = (Authority::new("one"), Authority::new("two"));
    let (variable, setting) = (folder.path().join("variable.pem"), folder.path().join("setting.pem"));
    std::fs::write(&variable, by_variable.pem()).unwrap();
    std::fs::write(&setting, by_setting.pem()).unwrap();
    let first = serve_tls(&by_variable, "localhost", VALID, OK).await;
    let second = serve_tls(&by_setting, "localhost", VALID, OK).await;
    let task = format!("{} https://localhost:{first}/ https://localhost:{second}/", setting.display());
    let child = move |trusted: &Path| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::ssl_cert_file_is_honoured_beside_the_ca_file"])
            .env(CHILD, &task)
            .env("SSL_CERT_FILE", trusted)
            .output()
            .unwrap()
    };
    let (good, bad) = tokio::task::spawn_blocking(move || (child(&variable), child(&setting))).await.unwrap();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    assert!(!bad.status.success());
}
