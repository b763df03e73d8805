//! Managed identities: Azure itself says what a machine may do, and nothing is proved.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::Value;
use valetkey_http::{
    Http, HttpError, Reply, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::arc;
use crate::{
    SignInError, SignInErrorKind as Kind, Tokens,
    sign_in::{AZURE_DEVOPS, is_name, misconfigured},
    tokens::{LONGEST, UNSAID, is_token},
    wire::{WireTokens, number, sentence_of},
};

/// The metadata service of virtual machines (Microsoft: "How to use managed identities to get an access token").
const IMDS: &str = "http://169.254.169.254";
/// How long one answer may take: the service is on the same host, or there is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before the second try, and by how much longer before the next ones.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
const PAUSES: [u32; 3] = [1, 3, 8];

/// The managed identity of a machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Managed<'a> {
    /// Of a virtual machine.
    VirtualMachine {
        /// `AZURE_POD_IDENTITY_AUTHORITY_HOST`: a stand-in for Azure's own address, on loopback.
        host: Option<&'a str>,
    },
    /// Of an app service.
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: &'a str,
        /// `IDENTITY_HEADER`.
        header: &'a SecretString,
    },
    /// Of a server elsewhere that Azure Arc connects.
    Arc {
        /// `IDENTITY_ENDPOINT`.
        endpoint: &'a str,
    },
}

impl Managed<'_> {
    /// An access token for Azure DevOps. `client_id` names the identity where the machine has several.
    pub async fn token(&self, http: &Http, client_id: Option<&str>) -> Result<Tokens, SignInError> {
        if client_id.is_some_and(|id| !is_name(id)) {
            return Err(misconfigured("the client id is not one", "copy it from the managed identity"));
        }
        let url = self.address(client_id)?;
        let mut outcome = self.ask_through_trouble(http, &url, None).await;
        if let (Self::Arc { .. }, Ok(reply)) = (self, &outcome)
            && reply.status.as_u16() == 401
        {
            let key = arc::key(&reply.headers, Path::new(arc::TOKENS))?;
            outcome = self.ask_through_trouble(http, &url, Some(&key)).await;
        }
        let tokens = self.read(outcome, SystemTime::now())?;
        self.check(client_id, &tokens)?;
        Ok(tokens)
    }

    async fn ask_through_trouble(
        &self,
        http: &Http,
        url: &Url,
        key: Option<&SecretString>,
    ) -> Result<Reply, HttpError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let outcome = self.ask(http, url.clone(), key).await;
            let pause = match &outcome {
                Ok(reply) if is_passing(reply.status.as_u16()) => pauses.next(),
                Err(HttpError::Interrupted { .. }) => pauses.next(),
                _ => None,
            };
            let Some(pause) = pause else { return outcome };
            tokio::time::sleep(PAUSE * pause).await;
        }
    }

    /// An Arc agent that knows the machine's own identity only gives that one, whichever was asked for.
    fn check(&self, client_id: Option<&str>, tokens: &Tokens) -> Result<(), SignInError> {
        let (Self::Arc { .. }, Some(asked)) = (self, client_id) else { return Ok(()) };
        if tokens.username.as_ref().is_some_and(|given| given.eq_ignore_ascii_case(asked)) {
            return Ok(());
        }
        Err(misconfigured(
            "the Azure Arc agent gave another identity than the one of `--client-id`",
            "leave `--client-id` and `AZURE_CLIENT_ID` out, or update the agent",
        ))
    }

    fn address(&self, client_id: Option<&str>) -> Result<Url, SignInError> {
        let (base, path, version, variable) = match self {
            Self::VirtualMachine { host } => (
                host.unwrap_or(IMDS),
                Some("/metadata/identity/oauth2/token"),
                "2018-02-01",
                "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            ),
            Self::AppService { endpoint, .. } => (*endpoint, None, "2019-08-01", "IDENTITY_ENDPOINT"),
            Self::Arc { endpoint } => (*endpoint, None, "2020-06-01", "IDENTITY_ENDPOINT"),
        };
        let mut url = Url::parse(base).map_err(|_| {
            misconfigured(&format!("`{variable}` is not an address"), "leave the variable as Azure sets it")
        })?;
        if let Some(path) = path {
            url.set_path(path);
        }
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", AZURE_DEVOPS);
        if let Some(client_id) = client_id {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        Ok(url)
    }

    async fn ask(&self, http: &Http, url: Url, key: Option<&SecretString>) -> Result<Reply, HttpError> {
        let mut request = Http::get(url);
        *request.timeout_mut() = Some(PATIENCE);
        let headers = request.headers_mut();
        match self {
            Self::VirtualMachine { .. } | Self::Arc { .. } => {
                headers.insert("metadata", HeaderValue::from_static("true"));
            }
            Self::AppService { header, .. } => {
                headers.insert("x-identity-header", sensitive(header.expose_secret(), "`IDENTITY_HEADER`")?);
            }
        }
        if let Some(key) = key {
            let line = Zeroizing::new(format!("Basic {}", key.expose_secret()));
            headers.insert(AUTHORIZATION, sensitive(&line, "the Azure Arc agent's key")?);
        }
        http.send_to_metadata(request).await
    }

    fn read(&self, outcome: Result<Reply, HttpError>, now: SystemTime) -> Result<Tokens, SignInError> {
        let reply = outcome.map_err(|error| self.unanswered(error))?;
        if reply.status.as_u16() != 200 {
            return Err(refused(&reply));
        }
        let unreadable = || {
            let hint = "check that no gateway answers in its place";
            SignInError::new(Kind::Malformed, "the metadata service answered without a token", hint)
        };
        let given: Given = reply
            .json()
            .filter(|given: &Given| is_token(&given.tokens.access_token))
            .ok_or_else(unreadable)?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let end = number(&given.expires_on).map(|end| end.saturating_sub(now));
        let life = number(&given.tokens.expires_in).or(end).map_or(UNSAID, Duration::from_secs);
        Ok(Tokens {
            access_token: given.tokens.access_token,
            refresh_token: None,
            expires_in: life.min(LONGEST),
            refresh_in: None,
            scopes: Vec::new(),
            username: given.client_id.as_str().filter(|id| is_name(id)).map(str::to_owned),
            account_id: None,
            tenant: None,
        })
    }

    fn unanswered(&self, error: HttpError) -> SignInError {
        match (self, error) {
            (
                Self::VirtualMachine { .. },
                HttpError::TimedOut { .. } | HttpError::Unreachable { .. } | HttpError::Interrupted { .. },
            ) => SignInError::new(
                Kind::Unavailable,
                "no metadata service of Azure answers here",
                "use `--machine managed` on a virtual machine or an app service of Azure only",
            ),
            (Self::Arc { .. }, HttpError::TimedOut { .. } | HttpError::Unreachable { .. }) => {
                SignInError::new(
                    Kind::Unavailable,
                    "the Azure Arc agent of this machine does not answer",
                    "look at it with `azcmagent show`",
                )
            }
            (_, error) => error.into(),
        }
    }
}

fn sensitive(text: &str, what: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| HttpError::Configuration {
        sentence: format!("{what} is not one"),
        hint: "leave it as Azure sets it".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[derive(Deserialize)]
struct Given {
    #[serde(flatten)]
    tokens: WireTokens,
    /// Seconds since 1970, in a string; the only end that an app service tells.
    #[serde(default)]
    expires_on: Value,
    #[serde(default)]
    client_id: Value,
}

/// Microsoft: "Retry guidance"; 410 while the service is being replaced.
fn is_passing(status: u16) -> bool {
    matches!(status, 404 | 408 | 410 | 429 | 500 | 502 | 503 | 504)
}

fn refused(reply: &Reply) -> SignInError {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Said {
        error: String,
        error_description: String,
    }
    let status = reply.status.as_u16();
    let said: Said = reply.json().unwrap_or_default();
    let unknown = said.error == "identity_not_found"
        || said.error_description.to_ascii_lowercase().contains("identity not found");
    if unknown {
        return misconfigured(
            "this machine has no such managed identity",
            "give it one in Azure, or name the right one with `--client-id`",
        );
    }
    if is_passing(status) {
        let kind = if status == 429 { Kind::Throttled } else { Kind::Unavailable };
        let sentence = format!("the metadata service cannot serve at the moment ({status})");
        return SignInError::new(kind, sentence, "try again in a while");
    }
    let why = match sentence_of(&said.error_description) {
        why if why.is_empty() => String::new(),
        why => format!(": {why}"),
    };
    misconfigured(
        &format!("the metadata service gives this machine no token ({status}){why}"),
        "check the machine's managed identities in Azure",
    )
}

#[cfg(test)]
mod tests;
