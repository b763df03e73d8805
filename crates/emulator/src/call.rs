//! One request as the handlers see it.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use crate::host::{Host, organisation_label, packaging_label};

/// What a request brings to prove who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    None,
    Basic { user: String, password: String },
    Bearer(String),
    Unreadable,
}

/// A request, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) host: Host,
    /// The `Host` header.
    pub(crate) authority: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Percent-decoded path segments without empty ones.
    pub(crate) segments: Vec<String>,
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) credential: Credential,
    /// Empty for git's service requests, whose bodies are streamed.
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(host: Host, parts: Parts) -> Self {
        let authority = parts.uri.authority().map(ToString::to_string).or_else(|| {
            parts.headers.get("host").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
        });
        let authority = authority.unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let query = form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
        let credential = credential_of(&parts.headers);
        let call = Self {
            host,
            authority,
            method: parts.method,
            path,
            segments,
            raw_query,
            query,
            headers: parts.headers,
            credential,
            body: Bytes::new(),
        };
        call.at(host)
    }

    /// The same request at this host. `{org}.visualstudio.com` and `{org}.pkgs.visualstudio.com` put their
    /// organisation before the path.
    pub(crate) fn at(mut self, host: Host) -> Self {
        self.host = host;
        let organisation = match host {
            Host::Dev => organisation_label(&self.authority),
            Host::Pkgs => packaging_label(&self.authority),
            _ => None,
        };
        if let Some(organisation) = organisation {
            if self.segments.first().is_some_and(|first| first.eq_ignore_ascii_case("DefaultCollection")) {
                self.segments.remove(0);
            }
            self.segments.insert(0, organisation.to_owned());
        }
        self
    }

    /// The same request without a credential.
    pub(crate) fn anonymous(&self) -> Self {
        let mut call = self.clone();
        call.headers.remove(AUTHORIZATION);
        call.credential = Credential::None;
        call
    }

    /// A header's text, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of this name, case ignored, as Azure DevOps does.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The segments in lower case, for matching.
    pub(crate) fn lower(&self) -> Vec<String> {
        self.segments.iter().map(|segment| segment.to_lowercase()).collect()
    }

    /// Does the client ask for a plain 401 instead of a sign-in page?
    pub(crate) fn suppresses_sign_in(&self) -> bool {
        self.header("x-tfs-fedauthredirect").is_some_and(|value| value.eq_ignore_ascii_case("suppress"))
    }

    /// The body as `application/x-www-form-urlencoded`.
    pub(crate) fn form(&self) -> Form {
        Form(form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// The API version asked for, from the query or the `Accept` header.
    pub(crate) fn api_version(&self) -> Option<String> {
        let accept = || {
            let accept = self.header("accept")?;
            accept.split(';').find_map(|part| part.trim().strip_prefix("api-version="))
        };
        self.parameter("api-version").or_else(accept).map(str::to_lowercase)
    }
}

/// The fields of a form.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field's value; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn credential_of(headers: &HeaderMap) -> Credential {
    let Some(value) = headers.get(AUTHORIZATION) else { return Credential::None };
    let Ok(value) = value.to_str() else { return Credential::Unreadable };
    let Some((scheme, rest)) = value.split_once(' ') else { return Credential::Unreadable };
    if scheme.eq_ignore_ascii_case("bearer") {
        return Credential::Bearer(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Credential::Unreadable;
    }
    let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((user, password)) => Credential::Basic { user: user.to_owned(), password: password.to_owned() },
        None => Credential::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(host: Host, uri: &str, headers: &[(&str, &str)]) -> Call {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Call::new(host, request.body(()).expect("request").into_parts().0)
    }

    #[test]
    fn both_url_forms_name_the_organisation_first() {
        let new = call(Host::Dev, "/contoso/Payments%20Platform/_git/x", &[("host", "dev.azure.com")]);
        let old = call(
            Host::Dev,
            "/DefaultCollection/Payments%20Platform/_git/x",
            &[("host", "contoso.visualstudio.com:44300")],
        );
        assert_eq!(new.segments, ["contoso", "Payments Platform", "_git", "x"]);
        assert_eq!(old.segments, new.segments);
    }

    #[test]
    fn credentials_are_told_apart() {
        let of = |value: &str| call(Host::Dev, "/", &[("authorization", value)]).credential;
        assert_eq!(of("Basic eDpw"), Credential::Basic { user: "x".into(), password: "p".into() });
        assert_eq!(of("bearer abc"), Credential::Bearer("abc".into()));
        assert_eq!(of("Basic ***"), Credential::Unreadable);
        assert_eq!(of("Negotiate abc"), Credential::Unreadable);
    }

    #[test]
    fn the_api_version_comes_from_query_or_accept() {
        let in_query = call(Host::Vssps, "/o/_apis/tokens/pats?API-Version=7.1-Preview.1", &[]);
        let in_accept = call(Host::Vssps, "/o", &[("accept", "application/json;api-version=7.1-preview.1")]);
        assert_eq!(in_query.api_version().as_deref(), Some("7.1-preview.1"));
        assert_eq!(in_accept.api_version(), in_query.api_version());
    }
}
