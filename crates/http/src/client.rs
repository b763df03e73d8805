//! The client itself.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Body, Certificate, Client, Method, Request, Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::{
    HttpError, ProxyFailure, Reply, Settings,
    failure::explain,
    lent::{Lent, Mark, Offer},
    route::{METADATA, Route, host_and_port, is_loopback, is_metadata},
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
    lent: Mutex<Lent>,
}

struct Built {
    client: Client,
    route: Option<Route>,
    /// The lent credentials that the proxy is shown, if any.
    lent: Option<Mark>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Http {
    /// A client with these settings. Does nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (built, lent) = Default::default();
        Self { shared: Arc::new(Shared { settings, built, lent }) }
    }

    /// Sends a request and reads the whole answer, whatever its status. Redirects come back as they are.
    pub async fn send(&self, request: Request) -> Result<Reply, HttpError> {
        self.send_with(request, &[]).await
    }

    /// The same for a request with secrets in its body. Those in its headers are known by being marked as sensitive.
    ///
    /// What a service says is shown to people and written into logs. An answer that repeats a secret of the question is
    /// none, whoever gives it; one that is a success may repeat what is in the body, as a refresh token.
    pub async fn send_with(&self, request: Request, secrets: &[&str]) -> Result<Reply, HttpError> {
        check_address(request.url())?;
        self.deliver(request, secrets).await
    }

    /// Asks Azure's metadata service, which speaks plain HTTP at one link-local address and is reached by no proxy
    /// (Microsoft: "Azure Instance Metadata Service"); or a stand-in for it on loopback. Any other address is refused.
    pub async fn send_to_metadata(&self, request: Request) -> Result<Reply, HttpError> {
        let url = request.url();
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "http" || !bare || !(is_metadata(url) || is_loopback(url)) {
            let sentence = format!("`{}` is not Azure's metadata service", host_and_port(url));
            let hint = format!("use `http://{METADATA}`, or a stand-in on a loopback address");
            return Err(HttpError::Configuration { sentence, hint });
        }
        self.deliver(request, &[]).await
    }

    async fn deliver(&self, request: Request, secrets: &[&str]) -> Result<Reply, HttpError> {
        let host = host_and_port(request.url());
        let in_headers: Vec<_> =
            request.headers().values().filter(|value| value.is_sensitive()).cloned().collect();
        let reply = self.carry(request).await?;
        let repeated = in_headers.iter().filter_map(credentials).any(|secret| reply.repeats(secret))
            || !reply.status.is_success() && secrets.iter().any(|secret| reply.repeats(secret));
        if repeated { Err(HttpError::Repeated { host }) } else { Ok(reply) }
    }

    async fn carry(&self, request: Request) -> Result<Reply, HttpError> {
        let built = self.built()?;
        let again = request.try_clone();
        let outcome = Self::send_by(&built, request).await;
        // The proxy answered in the host's place: nothing has arrived, and asking again does nothing twice.
        let (true, Some(again), Some(next)) = (wants_credentials(&outcome), again, self.after_407(&built))
        else {
            return outcome;
        };
        let outcome = Self::send_by(&next, again).await;
        if wants_credentials(&outcome) {
            self.after_407(&next);
        }
        outcome
    }

    /// Takes a user name and a password for the proxy from somebody who knows them, for as long as this process
    /// lives.
    ///
    /// They are shown to no other proxy than the one in force, only after it has asked for some (407), and only where
    /// its address has none of its own. Those that it refused are not shown to it again: proxies lock accounts. Tells
    /// whether a request may fare better now than one before.
    pub fn lend_to_proxy(&self, username: &str, password: &str) -> bool {
        // A proxy that is no address is told of by the next request.
        let route = Route::of(&self.shared.settings);
        matches!(route, Ok(Some(route)) if !route.has_credentials()) && self.lent().lend(username, password)
    }

    async fn send_by(built: &Built, request: Request) -> Result<Reply, HttpError> {
        let url = request.url().clone();
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

    /// The longest time for one answer.
    pub fn patience(&self) -> Duration {
        self.shared.settings.total_timeout
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

    /// A client with other credentials for the proxy than the one it has just refused, if there are any.
    fn after_407(&self, refused: &Arc<Built>) -> Option<Arc<Built>> {
        let mut slot = self.shared.built.lock().unwrap_or_else(PoisonError::into_inner);
        let current = slot.as_ref().filter(|built| !Arc::ptr_eq(built, refused));
        if let Some(built) = current {
            return Some(Arc::clone(built));
        }
        let mut lent = self.lent();
        if let Some(mark) = refused.lent {
            lent.refuse(mark);
            *slot = None;
        }
        let next = build_with(&self.shared.settings, Some(lent.offer()?)).ok().map(Arc::new);
        slot.clone_from(&next);
        next
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.shared.lent.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What follows the scheme; all of it, where there is none.
fn credentials(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    Some(text.split_once(' ').map_or(text, |(_, credentials)| credentials))
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

fn wants_credentials(outcome: &Result<Reply, HttpError>) -> bool {
    matches!(outcome, Err(HttpError::Proxy { why: ProxyFailure::AuthenticationRequired, .. }))
}

fn build(settings: &Settings) -> Result<Built, HttpError> {
    build_with(settings, None)
}

fn build_with(settings: &Settings, lent: Option<&Offer>) -> Result<Built, HttpError> {
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
        let proxy = route.proxy()?;
        builder = builder.proxy(match lent {
            Some(lent) => proxy.basic_auth(&lent.username, &lent.password),
            None => proxy,
        });
    }
    let client = builder.build().map_err(|_| unbuildable(settings))?;
    Ok(Built { client, route, lent: lent.map(|lent| lent.mark) })
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
