//! A server that notes what it was asked.

use std::sync::{Arc, Mutex};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use valetkey_http::{Http, Settings, Url};
use valetkey_nuget_org::{NugetOrg, PackageId, PackageVersion};
use valetkey_protocol::SecretString;

/// A key of the older shape.
pub(crate) const KEY: &str = concat!("oy2", "abcdefghijklmnopqrstuvwxyz234567abcdefghijk");

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Server {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) async fn answering(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        let app = axum::Router::new().fallback(move |request: Request| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
                log.lock().unwrap().push(asked.clone());
                answer(&asked)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    /// One that gives the same answer to everything.
    pub(crate) async fn saying(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = body.to_owned();
        Self::answering(move |_| {
            let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            reply(status, &headers, &body)
        })
        .await
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn nuget(&self) -> NugetOrg {
        NugetOrg::new(http(), self.url.clone())
    }
}

pub(crate) fn http() -> Http {
    Http::new(Settings::default())
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body.to_owned())).unwrap()
}

pub(crate) fn key() -> SecretString {
    SecretString::from(KEY)
}

pub(crate) fn id(text: &str) -> PackageId {
    PackageId::parse(text).unwrap()
}

pub(crate) fn version(text: &str) -> PackageVersion {
    PackageVersion::parse(text).unwrap()
}
