//! Signing in by device code (RFC 8628), for machines without a browser. Never unasked: it is what phishers use.

use std::time::{Duration, Instant};

use serde_json::Value;
use url::{Url, form_urlencoded};
use valetkey_http::{Reply, StatusCode, is_loopback};
use valetkey_protocol::{ExposeSecret as _, SecretString, is_clean, shown};

use crate::{
    SignIn, SignInError, SignInErrorKind, Tokens,
    classify::{Grant, malformed},
    courier::{Courier, delivered},
    wire::{WireError, number},
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where the answer does not say, in seconds (RFC 8628 §3.2; Entra).
const INTERVAL: u64 = 5;
const EXPIRES_IN: u64 = 900;
/// What is believed at most.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_LIFE: u64 = 1800;
/// What `slow_down` adds (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// A sign-in that waits for the person.
#[derive(Debug)]
pub struct DeviceFlow {
    sign_in: SignIn,
    device_code: SecretString,
    user_code: String,
    verification_uri: String,
    expires_in: Duration,
    interval: Duration,
    begun: Instant,
}

impl DeviceFlow {
    pub(crate) async fn begin(sign_in: SignIn) -> Result<Self, SignInError> {
        let client = sign_in.client()?;
        let courier = Courier::new(&sign_in.http)?;
        let request = client.exchange_device_code().add_scopes(sign_in.oauth_scopes());
        let reply = delivered(
            request.request_async::<_, oauth2::EmptyExtraDeviceAuthorizationFields>(&courier).await,
        )?;
        if reply.status != StatusCode::OK {
            return Err(sign_in.failure(&reply, Grant::Device));
        }
        let host = sign_in.authority.host();
        Self::read(sign_in, &reply).ok_or_else(|| malformed(&host))
    }

    fn read(sign_in: SignIn, reply: &Reply) -> Option<Self> {
        let body: Value = reply.json()?;
        let text = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty() && is_clean(text));
        let seconds = |name: &str, unsaid| body.get(name).and_then(number).unwrap_or(unsaid);
        let interval = Duration::from_secs(seconds("interval", INTERVAL).max(1)).min(LONGEST_INTERVAL);
        Some(Self {
            device_code: SecretString::from(text("device_code")?),
            user_code: shown(text("user_code")?),
            verification_uri: text("verification_uri").and_then(page)?,
            expires_in: Duration::from_secs(seconds("expires_in", EXPIRES_IN).min(LONGEST_LIFE)),
            interval,
            begun: Instant::now(),
            sign_in,
        })
    }

    /// The code to type.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// The page to type it at.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// How long the code is good for, counted from the answer.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// The shortest time between two questions.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Waits for the person and gives the tokens.
    pub async fn finish(self) -> Result<Tokens, SignInError> {
        let pace = Ordinary { start: self.begun };
        self.finish_at(&pace).await
    }

    async fn finish_at(self, pace: &impl Pace) -> Result<Tokens, SignInError> {
        let (mut interval, mut wait) = (self.interval, self.interval);
        let mut trouble = None;
        loop {
            let left = self.expires_in.saturating_sub(pace.elapsed());
            pace.sleep(wait.min(left)).await;
            if wait >= left {
                return Err(trouble.unwrap_or_else(expired));
            }
            match self.poll().await? {
                Polled::Tokens(tokens) => return Ok(*tokens),
                Polled::Pending => (wait, trouble) = (interval, None),
                Polled::SlowDown => {
                    interval = (interval + SLOWER).min(LONGEST_INTERVAL);
                    (wait, trouble) = (interval, None);
                }
                Polled::Trouble(error) => {
                    let doubled = (wait * 2).min(LONGEST_INTERVAL);
                    wait = error.retry_after.map_or(doubled, Duration::from_secs).max(interval);
                    trouble = Some(error);
                }
            }
        }
    }

    /// Asks once. What passes by itself is no error here.
    async fn poll(&self) -> Result<Polled, SignInError> {
        let outcome = match self.ask().await {
            Ok(reply) => {
                if let Some(polled) = waiting(&reply) {
                    return Ok(polled);
                }
                self.sign_in.tokens(&reply, Grant::Device, None)
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(tokens) => Ok(Polled::Tokens(Box::new(tokens))),
            Err(error) if error.kind.is_transient() => Ok(Polled::Trouble(error)),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self) -> Result<Reply, SignInError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("client_id", &self.sign_in.client_id)
            .append_pair("device_code", self.device_code.expose_secret())
            .append_pair("client_info", "1")
            .finish();
        let request = http::Request::post(self.sign_in.authority.endpoint(&self.sign_in.tenant, "token"))
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|_| malformed(&self.sign_in.authority.host()))?;
        Ok(Courier::new(&self.sign_in.http)?.carry(request).await?)
    }
}

enum Polled {
    Tokens(Box<Tokens>),
    Pending,
    SlowDown,
    Trouble(SignInError),
}

fn waiting(reply: &Reply) -> Option<Polled> {
    match WireError::parse(&reply.body).filter(|_| reply.status == StatusCode::BAD_REQUEST)?.error.as_str() {
        "authorization_pending" => Some(Polled::Pending),
        "slow_down" => Some(Polled::SlowDown),
        _ => None,
    }
}

fn expired() -> SignInError {
    SignInError::new(
        SignInErrorKind::Expired,
        "the time for signing in ran out",
        "run `valetkey login` again",
    )
}

/// A page that a person may be sent to.
fn page(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    (safe && url.username().is_empty() && url.password().is_none()).then(|| address.to_owned())
}

/// Time, so that tests need none.
trait Pace {
    fn elapsed(&self) -> Duration;
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

struct Ordinary {
    start: Instant,
}

impl Pace for Ordinary {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }
}

#[cfg(test)]
mod tests;
