//! Trusted publishing: a pipeline's token for a key that lives an hour at most.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_http::{
    Http, Method, Reply,
    header::{AUTHORIZATION, HeaderValue, USER_AGENT},
};
use valetkey_protocol::{ExposeSecret as _, SecretString, shown};
use zeroize::Zeroizing;

use crate::{
    NugetError, NugetErrorKind as Kind, NugetOrg,
    client::{AGENT, malformed},
    refused::{elsewhere, is_page, said, throttled, unavailable},
};

/// A key that came for a token. It is not kept anywhere.
pub struct ShortLived {
    /// Its value.
    pub secret: SecretString,
    /// Its end as nuget.org says it, in seconds since 1970.
    pub expires_at: u64,
}

impl fmt::Debug for ShortLived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortLived").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    username: &'a str,
    token_type: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    token_type: String,
    expires: String,
    api_key: SecretString,
}

impl NugetOrg {
    /// Exchanges a pipeline's token for a key (`POST /api/v2/token`; Microsoft: trusted publishing). `username` is
    /// the profile that made the trust policy, never an organisation. Each token works once.
    pub async fn exchange(&self, token: &SecretString, username: &str) -> Result<ShortLived, NugetError> {
        let username = username.trim();
        if username.is_empty() {
            return Err(NugetError::misuse(
                "nobody is named whose trust policy is meant",
                "name the profile on nuget.org that made the policy, not an organisation or an address",
            ));
        }
        let body = Body { username, token_type: "ApiKey" };
        let mut request = Http::json(Method::POST, self.address(&["api", "v2", "token"])?, &body)
            .map_err(|_| NugetError::misuse("the profile's name cannot be sent", "check the name"))?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        headers.insert(AUTHORIZATION, bearer(token)?);
        let reply = self.http.send(request).await?;
        if reply.status != 200 || is_page(&reply) {
            return Err(explain(&reply, username));
        }
        let issued: Issued = reply.json().ok_or_else(|| malformed(&self.host(), "a key"))?;
        let key = issued.api_key.expose_secret();
        let usable = !key.is_empty() && key.len() <= 1024 && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable || !issued.token_type.eq_ignore_ascii_case("ApiKey") {
            return Err(malformed(&self.host(), "a key"));
        }
        let expires_at = seconds(&issued.expires).ok_or_else(|| malformed(&self.host(), "the key's end"))?;
        Ok(ShortLived { secret: issued.api_key, expires_at })
    }
}

/// `Bearer …`, kept out of logs.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue, NugetError> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        NugetError::misuse("the pipeline's token has characters that cannot be sent", "check its variable")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A time as .NET writes it in full, `2026-11-22T12:00:00.0000000+00:00`; one without a zone is UTC.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
    u64::try_from(at.as_second()).ok()
}

fn explain(reply: &Reply, username: &str) -> NugetError {
    let text = said(reply);
    let status = reply.status.as_u16();
    let cannot = format!("cannot get a key for the profile `{}`", shown(username));
    let because = if text.is_empty() { cannot.clone() } else { format!("{cannot}: {text}") };
    match status {
        _ if is_page(reply) && status < 500 => elsewhere(&cannot),
        401 if text.contains("already been used") => {
            NugetError::new(Kind::TokenUsed, because, "get a new token from the pipeline for each key")
        }
        401 if text.starts_with("No matching trust policy") => NugetError::new(
            Kind::NoPolicy,
            because,
            "compare the policy on nuget.org (owner, repository, workflow file, environment) with this pipeline",
        ),
        401 => NugetError::new(
            Kind::TokenRefused,
            because,
            "the token must be for the audience `https://www.nuget.org` and a few minutes old at most",
        ),
        400 => NugetError::new(
            Kind::Rejected,
            because,
            "name the profile of the person who made the policy, not an organisation; its address must be confirmed",
        ),
        404 => NugetError::new(
            Kind::NoExchange,
            format!("{cannot}: trusted publishing is switched off there"),
            "use a kept key: `valetkey nuget keys add NAME`",
        ),
        429 => throttled(reply, &cannot, &text),
        402..=499 => NugetError::new(Kind::Rejected, because, ""),
        500..=599 => unavailable(reply, &cannot, status),
        300..=399 => elsewhere(&cannot),
        _ => NugetError::new(Kind::Malformed, format!("{cannot}: unexpected status {status}"), "try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_dotnet_writes_them() {
        for (text, expected) in [
            ("2027-03-01T12:00:00.0000000+00:00", Some(1_803_902_400)),
            ("2027-03-01T12:00:00.1234567Z", Some(1_803_902_400)),
            ("2027-03-01T13:00:00.0000000+01:00", Some(1_803_902_400)),
            ("2027-03-01T12:00:00.0000000", Some(1_803_902_400)),
            ("2027-03-01T12:00:00", Some(1_803_902_400)),
            ("1969-03-01T12:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
