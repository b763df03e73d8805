//! What a refusal of nuget.org means.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;
use valetkey_http::{Reply, header::CONTENT_TYPE, retry_after};
use valetkey_protocol::shown;

use crate::{NugetError, NugetErrorKind as Kind, PackageId, PackageVersion};

/// How the text begins that says nothing but "no" (NuGetGallery: `Strings.ApiKeyNotAuthorized`).
const KEY_REFUSED: &str = "The specified API key is invalid";

/// What was asked, for sentences.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) id: &'a PackageId,
    pub(crate) version: &'a PackageVersion,
}

/// Why a package was not touched; `verb` reads on as `cannot {verb} {package}`.
pub(crate) fn explain(reply: &Reply, asked: Asked<'_>, verb: &str) -> NugetError {
    let Asked { id, version } = asked;
    let text = said(reply);
    let status = reply.status.as_u16();
    let cannot = format!("cannot {verb} `{id}` {version}");
    let because = |what: &str| match text.as_str() {
        "" => format!("{cannot}: {what}"),
        text => format!("{cannot}: {text}"),
    };
    let page_hint = "compare it with the list on `https://www.nuget.org/account/apikeys`";
    match status {
        _ if is_page(reply) && status < 500 => elsewhere(&cannot),
        401 => {
            NugetError::new(Kind::KeyRefused, format!("{cannot}: nuget.org does not take the key"), page_hint)
        }
        403 if text.starts_with("Quota") => NugetError::new(
            Kind::Quota,
            because("the quota is used up"),
            "wait for the quota to fill up again",
        ),
        403 if text.is_empty() || text.starts_with(KEY_REFUSED) => NugetError::new(
            Kind::KeyRefused,
            format!("{cannot}: the key is not valid any more, or not for this package"),
            page_hint,
        ),
        403 => NugetError::new(Kind::AccessDenied, because("access is denied"), "ask the package's owner"),
        404 => NugetError::new(
            Kind::NotFound,
            format!("{cannot}: nuget.org has no such version"),
            "check the id and the version",
        ),
        429 => throttled(reply, &cannot, &text),
        400..=499 => NugetError::new(Kind::Rejected, because(&format!("status {status}")), ""),
        500..=599 => unavailable(reply, &cannot, status),
        300..=399 => elsewhere(&cannot),
        _ => NugetError::new(Kind::Malformed, format!("{cannot}: unexpected status {status}"), "try again"),
    }
}

/// Somebody else answered.
pub(crate) fn elsewhere(cannot: &str) -> NugetError {
    let sentence = format!("{cannot}: something other than nuget.org answered");
    NugetError::new(Kind::NotNuget, sentence, "check the network, its sign-in page, and `[nuget] nuget-org`")
}

pub(crate) fn unavailable(reply: &Reply, cannot: &str, status: u16) -> NugetError {
    let sentence = format!("{cannot}: nuget.org has a fault (status {status})");
    let error =
        NugetError::new(Kind::Unavailable, sentence, "try again later; see `https://status.nuget.org`");
    NugetError { retry_after: retry_after(&reply.headers, SystemTime::now()), ..error }
}

pub(crate) fn throttled(reply: &Reply, cannot: &str, text: &str) -> NugetError {
    let told = retry_after(&reply.headers, SystemTime::now()).or_else(|| seconds_in(text));
    let hint = told.map_or_else(|| "try again later".to_owned(), |left| format!("try again in {left} s"));
    let sentence = format!("{cannot}: nuget.org was asked too often");
    NugetError { retry_after: told, ..NugetError::new(Kind::Throttled, sentence, hint) }
}

/// `Rate limit is exceeded. Try again in 56 seconds.`
fn seconds_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("Try again in ")?;
    let seconds: u64 = rest.split(' ').next()?.parse().ok()?;
    Some(seconds.min(valetkey_http::MAX_RETRY_AFTER))
}

/// Whether the answer is a web page.
pub(crate) fn is_page(reply: &Reply) -> bool {
    let says =
        reply.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    // Answers without a body have a type, too.
    let body = reply.body.trim_ascii();
    !body.is_empty() && (says || body.starts_with(b"<"))
}

/// Whether the answer speaks of a package, as the gallery's own do: `A package with ID '…' and version '…' does not
/// exist` (NuGetGallery: `Strings.PackageWithIdAndVersionNotFound`).
pub(crate) fn names(reply: &Reply, id: &PackageId) -> bool {
    let text = String::from_utf8_lossy(&reply.body).to_ascii_lowercase();
    !is_page(reply) && text.contains(&format!("'{}'", id.as_str().to_ascii_lowercase()))
}

/// The service's own words: one line, safe to print. An object that has none may hold anything, a key as well. Words
/// that repeat the secret of the question do not come this far (see [`valetkey_http::Http::send_with`]).
pub(crate) fn said(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Words {
        #[serde(alias = "message")]
        error: String,
    }
    if is_page(reply) {
        return String::new();
    }
    let text = match reply.json::<Words>() {
        Some(words) => words.error,
        None if reply.json::<Value>().is_some_and(|body| !body.is_string()) => String::new(),
        None => String::from_utf8_lossy(&reply.body).into_owned(),
    };
    let line = text.trim().lines().next().unwrap_or_default();
    shown(line.trim_end_matches('.'))
}
