//! The client itself.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Body, Certificate, Client, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    HttpError, Settings,
    failure::explain,
    route::{Route, host_and_port, is_loopback},
};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// How long an unused connection is kept: shorter than gateways keep theirs.
const IDLE: Duration = Duration::from_secs(30);
/// How soon a shared connection that died unnoticed (sleep, another network) is found out while in use.
const PING: Duration = Duration::from_secs(5);

/// The client. Cheap to clone; clones share connections. Nothing is read or opened before the first request.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    /// A failure to build is not kept: the file it is about may be repaired while the agent runs.
    built: Mutex<Option<Arc<Built>>>,
}

struct Built {
    client: Client,
    route: Option<Route>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Http {
    /// A client with these settings. Does nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { shared: Arc::new(Shared { settings, built: Mutex::new(None) }) }
    }

    /// Sends a request and reads the whole answer, whatever its status. Redirects come back as they are.
    pub async fn send(&self, request: Request) -> Result<Reply, HttpError> {
        let url = request.url().clone();
        check_address(&url)?;
        let built = self.built()?;
        let failed = |failure: reqwest::Error| explain(&failure, &url, built.route.as_ref());
        let mut response = built.client.execute(request).await.map_err(failed)?;
        let body = match read(&mut response).await {
            Ok(Some(body)) => body,
            Ok(None) => return Err(HttpError::TooLarge { host: host_and_port(&url), limit: MAX_BODY }),
            Err(failure) => return Err(failed(failure)),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Reply { status, headers, body })
    }

    /// A `GET`.
    pub fn get(url: Url) -> Request {
        Request::new(Method::GET, url)
    }

    /// A request with a JSON body.
    pub fn json(method: Method, url: Url, body: &impl Serialize) -> Result<Request, serde_json::Error> {
        let mut request = Request::new(method, url);
        *request.body_mut() = Some(Body::from(serde_json::to_vec(body)?));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    fn built(&self) -> Result<Arc<Built>, HttpError> {
        let mut slot = self.shared.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(built) = &*slot {
            return Ok(Arc::clone(built));
        }
        let built = Arc::new(build(&self.shared.settings)?);
        *slot = Some(Arc::clone(&built));
        Ok(built)
    }
}

/// An answer, with its whole body.
#[derive(Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Reply {
    /// The body read as JSON, whatever its content type says; a byte order mark is skipped.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }
}

/// Bodies carry tokens and headers carry cookies: neither is shown.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn check_address(url: &Url) -> Result<(), HttpError> {
    let host = host_and_port(url);
    let wrong = if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)) {
        format!("`{host}` is not asked without encryption")
    } else if !url.username().is_empty() || url.password().is_some() {
        format!("the address of `{host}` has a user name in it")
    } else {
        return Ok(());
    };
    Err(HttpError::Configuration { sentence: wrong, hint: "write the address as `https://HOST`".to_owned() })
}

/// The body, or nothing if it is too long.
async fn read(response: &mut Response) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if chunk.len() > MAX_BODY - body.len() {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

fn build(settings: &Settings) -> Result<Built, HttpError> {
    let route = Route::of(settings)?;
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .pool_idle_timeout(IDLE)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.total_timeout)
        .user_agent(&settings.user_agent)
        .tls_certs_merge(authorities(settings)?);
    if let Some(route) = &route {
        builder = builder.proxy(route.proxy()?);
    }
    Ok(Built { client: builder.build().map_err(|_| unbuildable(settings))?, route })
}

fn authorities(settings: &Settings) -> Result<Vec<Certificate>, HttpError> {
    let Some(path) = &settings.ca_file else { return Ok(Vec::new()) };
    let wrong = |what: &str| bad_ca_file(path, what);
    let pem = std::fs::read(path).map_err(|error| wrong(&format!("cannot be read: {}", error.kind())))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong("holds no certificate")),
    }
}

fn bad_ca_file(path: &Path, what: &str) -> HttpError {
    HttpError::Configuration {
        sentence: format!("the file `{}` {what}", path.display()),
        hint: "name a file with certificates in PEM in `[network] ca-file`".to_owned(),
    }
}

/// The two ways to fail: a certificate of ours that is none, and a container without `ca-certificates`.
fn unbuildable(settings: &Settings) -> HttpError {
    if let Some(path) = &settings.ca_file {
        return bad_ca_file(path, "holds a certificate that cannot be read");
    }
    HttpError::Configuration {
        sentence: "no certificate authority was found on this machine".to_owned(),
        hint: "install the package `ca-certificates`, or name a file in `[network] ca-file`".to_owned(),
    }
}
