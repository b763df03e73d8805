//! How nuget.org is asked. Four addresses, and no other: `/api/v2/verifykey/…`, `/api/v2/package/…`, `/api/v2/token`,
//! and the pipeline's own for its token.

use valetkey_http::{
    Http, Method, Reply, Request, Url,
    header::{HeaderName, HeaderValue, USER_AGENT},
};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::{
    NugetError, NugetErrorKind as Kind, PackageId, PackageVersion, Warning,
    refused::{self, Asked},
};

/// What the protocol's version that we speak is called (Microsoft: NuGet server API, push).
const PROTOCOL: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-nuget-protocol-version"), HeaderValue::from_static("4.1.0"));

/// Without it a token is not exchanged.
pub(crate) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("valetkey/", env!("CARGO_PKG_VERSION")));

/// An answer, with what the service wants a person to know besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// What came in `X-NuGet-Warning`.
    pub warnings: Vec<Warning>,
}

/// What a check of a key found. The refusals are errors of kind [`Kind::KeyRefused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The key may push this package.
    MayPush,
    /// The key is live and may push; whether this package is not known, since there is no such version of it.
    NoSuchPackage,
}

/// nuget.org. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct NugetOrg {
    pub(crate) http: Http,
    base: Url,
}

impl NugetOrg {
    /// The gallery at an address, `https://www.nuget.org` unless configured otherwise.
    pub fn new(http: Http, base: Url) -> Self {
        Self { http, base }
    }

    /// The page on which a person makes, refreshes and deletes keys. For people only: no program asks for it.
    pub fn keys_page(&self) -> String {
        self.address(&["account", "apikeys"]).map_or_else(|_| self.base.to_string(), String::from)
    }

    /// Whether a key may push a package that exists (`GET /api/v2/verifykey/{id}/{version}`). It is not used up, and
    /// the gallery notes it as a use of the key. A key that may only unlist is always refused: do not ask for one.
    pub async fn verify(
        &self,
        key: &SecretString,
        id: &PackageId,
        version: &PackageVersion,
    ) -> Result<Answered<Verdict>, NugetError> {
        let path = ["api", "v2", "verifykey", id.as_str(), version.as_str()];
        let reply = self.ask(Method::GET, &path, key).await?;
        let value = match reply.status.as_u16() {
            // A gateway's page comes with 200, too; the gallery's answer has no body.
            200 if reply.body.trim_ascii().is_empty() => Verdict::MayPush,
            // The gallery looks for the package only after it has taken the key, and names it; others' 404 say nothing.
            404 if refused::names(&reply, id) => Verdict::NoSuchPackage,
            _ => return Err(refused::explain(&reply, Asked { id, version }, "check the key for")),
        };
        Ok(Answered { value, warnings: Warning::all(&reply.headers) })
    }

    /// Takes a version out of searches (`DELETE /api/v2/package/{id}/{version}`); it can still be restored.
    pub async fn unlist(
        &self,
        key: &SecretString,
        id: &PackageId,
        version: &PackageVersion,
    ) -> Result<Answered<()>, NugetError> {
        self.list(Method::DELETE, key, id, version, "unlist").await
    }

    /// Puts a version back into searches (`POST /api/v2/package/{id}/{version}`).
    pub async fn relist(
        &self,
        key: &SecretString,
        id: &PackageId,
        version: &PackageVersion,
    ) -> Result<Answered<()>, NugetError> {
        self.list(Method::POST, key, id, version, "relist").await
    }

    async fn list(
        &self,
        method: Method,
        key: &SecretString,
        id: &PackageId,
        version: &PackageVersion,
        verb: &str,
    ) -> Result<Answered<()>, NugetError> {
        let path = ["api", "v2", "package", id.as_str(), version.as_str()];
        let reply = self.ask(method, &path, key).await?;
        match reply.status.as_u16() {
            // The gallery's own answer has no body here either.
            200 | 204 if reply.body.trim_ascii().is_empty() => {
                Ok(Answered { value: (), warnings: Warning::all(&reply.headers) })
            }
            _ => Err(refused::explain(&reply, Asked { id, version }, verb)),
        }
    }

    async fn ask(&self, method: Method, path: &[&str], key: &SecretString) -> Result<Reply, NugetError> {
        let mut request = Request::new(method, self.address(path)?);
        let mut value = HeaderValue::from_str(key.expose_secret()).map_err(|_| {
            NugetError::misuse("the key has characters that cannot be sent", "put it in again")
        })?;
        value.set_sensitive(true);
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("x-nuget-apikey"), value);
        headers.insert(PROTOCOL.0, PROTOCOL.1);
        headers.insert(USER_AGENT, AGENT);
        Ok(self.http.send(request).await?)
    }

    /// An address below the gallery's. Ids and versions have no character that could leave their segment.
    pub(crate) fn address(&self, path: &[&str]) -> Result<Url, NugetError> {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| {
                let hint = "write `[nuget] nuget-org` as `https://HOST`";
                NugetError::misuse("the address of nuget.org has no host", hint)
            })?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    pub(crate) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// The error for an answer that cannot be understood.
pub(crate) fn malformed(host: &str, what: &str) -> NugetError {
    let sentence = format!("`{host}` answered without {what}");
    NugetError::new(Kind::Malformed, sentence, "try again; if it stays so, see `https://status.nuget.org`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use valetkey_http::Settings;

    use super::*;

    proptest! {
        #[test]
        fn a_package_is_two_segments_or_none(id in "[a-zA-Z./%?#@:_ -]{0,12}|.{0,8}", version in "[0-9a-z./%+-]{0,9}") {
            let base = Url::parse("https://www.nuget.org/prefix/?old#old").unwrap();
            let nuget = NugetOrg::new(Http::new(Settings::default()), base);
            if let (Some(id), Some(version)) = (PackageId::parse(&id), PackageVersion::parse(&version)) {
                let url = nuget.address(&["api", "v2", "package", id.as_str(), version.as_str()]).unwrap();
                let expected = format!("https://www.nuget.org/prefix/api/v2/package/{id}/{version}");
                prop_assert_eq!(url.as_str(), expected);
            }
        }
    }

    #[test]
    fn the_page_for_people() {
        let nuget = |base| NugetOrg::new(Http::new(Settings::default()), Url::parse(base).unwrap());
        assert_eq!(nuget("https://www.nuget.org").keys_page(), "https://www.nuget.org/account/apikeys");
        assert_eq!(nuget("http://localhost:1234/").host(), "localhost:1234");
    }
}
