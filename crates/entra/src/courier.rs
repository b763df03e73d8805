//! Carries the requests that `oauth2` builds.
//!
//! `oauth2` reads answers by the RFC: it drops `suberror`, `claims` and the headers, and takes an `expires_in` in
//! quotes for a broken answer. So the courier hands it no answer at all but keeps the raw one, for [`crate::wire`].

use std::{fmt, pin::Pin};

use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse, RequestTokenError};
use url::form_urlencoded;
use valetkey_http::{Http, HttpError, Reply, Request};
use zeroize::Zeroizing;

use crate::{SignInError, SignInErrorKind, random};

/// What the two parts after `x-ms-` promise: to wait for `Retry-After`, also after a 429.
const CAPABILITIES: &str = "retry-after, h429";

/// What is secret in a request: an error that repeats it must not be read out.
const SECRET: [&str; 6] =
    ["refresh_token", "client_secret", "client_assertion", "code", "code_verifier", "device_code"];

/// One request's carrier.
pub(crate) struct Courier<'h> {
    http: &'h Http,
    correlation_id: String,
}

/// The answer, on the only way out that `oauth2` leaves untouched.
pub(crate) struct Kept(Result<Reply, HttpError>);

impl<'h> Courier<'h> {
    pub(crate) fn new(http: &'h Http) -> Result<Self, SignInError> {
        Ok(Self { http, correlation_id: random::correlation_id()? })
    }

    /// Sends a request of our own making.
    pub(crate) async fn carry(&self, request: HttpRequest) -> Result<Reply, HttpError> {
        let unbuildable = || HttpError::Configuration {
            sentence: "the request to the identity provider cannot be built".to_owned(),
            hint: "check `[entra]` in the configuration".to_owned(),
        };
        let secrets = secrets(request.body());
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.as_str()).collect();
        let mut request = Request::try_from(request).map_err(|_| unbuildable())?;
        for (name, value) in [
            ("x-ms-lib-capability", CAPABILITIES),
            ("client-request-id", &self.correlation_id),
            ("return-client-request-id", "true"),
        ] {
            request.headers_mut().insert(name, value.parse().map_err(|_| unbuildable())?);
        }
        self.http.send_with(request, &secrets).await
    }
}

/// The secrets of a form, as they are and as they are written there.
fn secrets(form: &[u8]) -> Vec<Zeroizing<String>> {
    let pairs = form.split(|byte| *byte == b'&').filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        let decoded = form_urlencoded::parse(pair).next()?.1.into_owned();
        SECRET.contains(&name).then(|| [decoded, value.to_owned()])
    });
    pairs.flatten().map(Zeroizing::new).collect()
}

impl<'c> AsyncHttpClient<'c> for Courier<'_> {
    type Error = Kept;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Kept>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Err(Kept(self.carry(request).await)) })
    }
}

/// The answer to what `oauth2` sent through a courier.
pub(crate) fn delivered<A, E: oauth2::ErrorResponse + 'static>(
    outcome: Result<A, RequestTokenError<Kept, E>>,
) -> Result<Reply, SignInError> {
    match outcome {
        Err(RequestTokenError::Request(Kept(reply))) => Ok(reply?),
        _ => Err(SignInError::new(
            SignInErrorKind::Misconfigured,
            "the request to the identity provider cannot be built",
            "check `[entra]` in the configuration",
        )),
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is kept")
    }
}

impl std::error::Error for Kept {}
