//! How Azure DevOps is asked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use url::Url;
use valetkey_http::{
    Http, Reply, Request,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{
    DevOpsError, DevOpsErrorKind as Kind, is_organisation,
    refused::{self, Asked},
};

/// The version of the interface spoken. Every published version is a preview; answers of later ones are understood.
pub(crate) const API_VERSION: &str = "7.1-preview.1";

/// Where Azure DevOps is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Organisations: `https://dev.azure.com`.
    pub dev: Url,
    /// Their keys: `https://vssps.dev.azure.com`.
    pub pats: Url,
}

impl Default for Endpoints {
    fn default() -> Self {
        let built_in = |url: &str| Url::parse(url).expect("a built-in address");
        Self { dev: built_in("https://dev.azure.com"), pats: built_in("https://vssps.dev.azure.com") }
    }
}

/// What to show with a request.
#[derive(Debug, Clone, Copy)]
pub enum Auth<'a> {
    /// An access token of Microsoft Entra.
    Bearer(&'a SecretString),
    /// A key.
    Pat(&'a SecretString),
    /// Nothing.
    Nobody,
}

/// Azure DevOps. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct DevOps {
    http: Http,
    endpoints: Endpoints,
    authority: Option<Url>,
    tenant: Option<String>,
    pause: Arc<Mutex<Option<Instant>>>,
}

impl DevOps {
    /// Azure DevOps at these addresses.
    pub fn new(http: Http, endpoints: Endpoints) -> Self {
        Self { http, endpoints, authority: None, tenant: None, pause: Arc::default() }
    }

    /// The same, believing challenges that name this authority besides Microsoft's.
    #[must_use]
    pub fn with_authority(self, authority: Url) -> Self {
        Self { authority: Some(authority), ..self }
    }

    /// The same for tokens of this tenant: a refusal can then be told from one of an organisation elsewhere.
    #[must_use]
    pub fn in_tenant(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self.clone() }
    }

    /// Where it is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How long the service wants to be left alone from now on. It asks so with answers that are good, too, before
    /// it begins to refuse (Microsoft: Azure DevOps rate limits).
    pub fn pause(&self) -> Option<Duration> {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        until.and_then(|until| until.checked_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// The longest time for one answer.
    pub(crate) fn patience(&self) -> Duration {
        self.http.patience()
    }

    pub(crate) fn authority(&self) -> Option<&Url> {
        self.authority.as_ref()
    }

    pub(crate) fn asked<'a>(&'a self, organisation: &'a str) -> Asked<'a> {
        Asked {
            organisation,
            dev: &self.endpoints.dev,
            whom: &self.endpoints.pats,
            tenant: self.tenant.as_deref(),
            authority: self.authority(),
            creates: false,
            by_key: false,
        }
    }

    /// Sends a request with what every request carries. Any status is an answer.
    pub(crate) async fn send(
        &self,
        mut request: Request,
        auth: Auth<'_>,
        asked: &Asked<'_>,
    ) -> Result<Reply, DevOpsError> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Without it, Azure DevOps answers with a redirect to a sign-in page in place of a 401.
        headers.insert("x-tfs-fedauthredirect", HeaderValue::from_static("Suppress"));
        if let Some(value) = authorization(auth) {
            headers.insert(AUTHORIZATION, value.map_err(|_| unsendable(asked))?);
        }
        let reply = self.http.send(request).await.map_err(|error| {
            let committed = asked.creates && error.may_have_arrived();
            let sentence = format!("cannot ask for `{}`: {error}", asked.organisation);
            let hint = error.hint();
            DevOpsError::new(Kind::Http(Box::new(error)), sentence, hint).perhaps_committed(committed)
        })?;
        if let Some(seconds) = refused::wait(&reply.headers) {
            let until = Instant::now() + Duration::from_secs(seconds);
            let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            *pause = (*pause).max(Some(until));
        }
        Ok(reply)
    }
}

/// `{base}/{organisation}/{path}?{query}&api-version=…`; the version is left out where there is no path.
pub(crate) fn address(
    base: &Url,
    organisation: &str,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Url, DevOpsError> {
    address_of_version(base, organisation, path, query, API_VERSION)
}

/// The same, of another version of the interface.
pub(crate) fn address_of_version(
    base: &Url,
    organisation: &str,
    path: &[&str],
    query: &[(&str, &str)],
    version: &str,
) -> Result<Url, DevOpsError> {
    if !is_organisation(organisation) {
        let sentence =
            format!("`{}` is not the name of an organisation", valetkey_protocol::shown(organisation));
        let hint = "a name has letters, digits and inner hyphens, as in `https://dev.azure.com/contoso`";
        return Err(DevOpsError::new(Kind::Misuse, sentence, hint));
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut()
        .map_err(|()| {
            let sentence = format!("the address configured for `{organisation}` has no host");
            DevOpsError::new(Kind::Misuse, sentence, "write `[azure-devops]` addresses as `https://HOST`")
        })?
        .pop_if_empty()
        .push(organisation)
        .extend(path);
    if !path.is_empty() {
        url.query_pairs_mut().extend_pairs(query).append_pair("api-version", version);
    }
    Ok(url)
}

type Header = Result<HeaderValue, valetkey_http::header::InvalidHeaderValue>;

fn authorization(auth: Auth<'_>) -> Option<Header> {
    let text = match auth {
        Auth::Nobody => return None,
        Auth::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.expose_secret())),
        Auth::Pat(token) => {
            let pair = Zeroizing::new(format!("valetkey:{}", token.expose_secret()));
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
            Zeroizing::new(format!("Basic {}", encoded.as_str()))
        }
    };
    Some(HeaderValue::from_str(&text).map(|mut value| {
        value.set_sensitive(true);
        value
    }))
}

fn unsendable(asked: &Asked<'_>) -> DevOpsError {
    let org = asked.organisation;
    let sentence = format!("the sign-in for `{org}` has characters that cannot be sent");
    DevOpsError::new(Kind::Misuse, sentence, format!("run `valetkey login {org}`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_one_segment_or_nothing(name in "[a-z./%?#@:\\\\ -]{0,12}|.{0,12}") {
            let base = Url::parse("https://vssps.dev.azure.com/prefix/?old#old").unwrap();
            if let Ok(url) = address(&base, &name, &["_apis", "tokens", "pats"], &[("$top", "a&b")]) {
                prop_assert_eq!(
                    url.as_str(),
                    format!("https://vssps.dev.azure.com/prefix/{name}/_apis/tokens/pats?%24top=a%26b&api-version=7.1-preview.1")
                );
            }
        }
    }
}
