//! A scripted identity provider on loopback.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::form_urlencoded;
use valetkey_http::{Http, Settings};

use crate::{Authority, SignIn};

pub(crate) const CLIENT: &str = "0a1b2c3d-0000-4000-8000-00000000c11e";
pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// Answers requests in the order of the script; the last answer is repeated.
pub(crate) struct Provider {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) form: BTreeMap<String, String>,
}

impl Provider {
    pub(crate) async fn start(script: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut script = script.into_iter().peekable();
            let mut last = String::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else { continue };
                noted.lock().unwrap().push(request);
                last = script.next().unwrap_or(last);
                let _ = stream.write_all(last.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, seen }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn {
            http: Http::new(Settings::default()),
            authority: Authority::configured(&format!("http://127.0.0.1:{}", self.port)).unwrap(),
            tenant: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            scopes: SignIn::default_scopes(),
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let length =
        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { head, form: form_urlencoded::parse(&body).into_owned().collect() })
}

/// An answer with a body, and with more headers.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} x\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn json_answer(status: u16, body: &Value) -> String {
    answer(status, "content-type: application/json; charset=utf-8\r\n", &body.to_string())
}

/// An error as Entra writes it, with all its nine fields.
pub(crate) fn error_body(error: &str, suberror: &str, code: u32, text: &str) -> Value {
    json!({
        "error": error,
        "error_description": format!(
            "AADSTS{code}: {text}.\r\nTrace ID: 0f0f0f0f-1111-2222-3333-444444444444\r\n\
             Correlation ID: c0c0c0c0-1111-2222-3333-444444444444\r\nTimestamp: 2026-09-22 17:16:31Z"
        ),
        "error_codes": [code],
        "timestamp": "2026-09-22 17:16:31Z",
        "trace_id": "0f0f0f0f-1111-2222-3333-444444444444",
        "correlation_id": "c0c0c0c0-1111-2222-3333-444444444444",
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        "suberror": suberror,
        "claims": "{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"c1\"]}}}",
    })
}

pub(crate) fn tokens_body() -> Value {
    json!({
        "token_type": "Bearer",
        "scope": "499b84ac-1321-427f-aa17-267ca6975798/vso.pats 499b84ac-1321-427f-aa17-267ca6975798/vso.pats_manage",
        "expires_in": 3599,
        "ext_expires_in": 3599,
        "access_token": "canary-access",
        "refresh_token": "canary-refresh",
        "client_info": "eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ",
    })
}
