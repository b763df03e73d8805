//! The identity tokens that build services give their jobs, to be shown to Microsoft Entra as an application's proof.

use serde::Deserialize;
use valetkey_http::{
    Http, Reply, Request, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderValue},
};
use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{SignInError, SignInErrorKind as Kind, sign_in::misconfigured, tokens::is_token};

/// Whom a token must be for (Microsoft: "Workload identity federation").
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A token of a GitHub job: `url` and `request_token` are its `ACTIONS_ID_TOKEN_REQUEST_URL` and
/// `ACTIONS_ID_TOKEN_REQUEST_TOKEN` (GitHub: "OpenID Connect reference"). GitHub makes a new one each time.
pub async fn github_token(
    http: &Http,
    url: &str,
    request_token: &SecretString,
) -> Result<SecretString, SignInError> {
    #[derive(Deserialize)]
    struct Given {
        value: SecretString,
    }
    let mut url = address(url, "ACTIONS_ID_TOKEN_REQUEST_URL")?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let reply = http.send(authorised(Http::get(url), request_token)?).await?;
    let permission = "give the job `permissions: id-token: write`, and sign in again in this job";
    check(&reply, "GitHub Actions", "job", permission)?;
    given(reply.json::<Given>().map(|given| given.value), "GitHub Actions")
}

/// A token of a job of Azure Pipelines for a service connection: `url` and `access_token` are its
/// `SYSTEM_OIDCREQUESTURI` and `SYSTEM_ACCESSTOKEN` (Microsoft: "Oidctoken - Create").
pub async fn pipelines_token(
    http: &Http,
    url: &str,
    connection: &str,
    access_token: &SecretString,
) -> Result<SecretString, SignInError> {
    #[derive(Deserialize)]
    struct Given {
        #[serde(rename = "oidcToken")]
        token: SecretString,
    }
    let mut url = address(url, "SYSTEM_OIDCREQUESTURI")?;
    url.query_pairs_mut().append_pair("api-version", "7.1").append_pair("serviceConnectionId", connection);
    let mut request = authorised(Http::get(url), access_token)?;
    *request.method_mut() = valetkey_http::Method::POST;
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    let reply = http.send(request).await?;
    if reply.status.as_u16() == 404 {
        return Err(misconfigured(
            "Azure Pipelines knows no running job or no service connection by this id",
            "check `--service-connection`, and sign in again in each job",
        ));
    }
    let token = "pass `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` to the step: no other token will do";
    check(&reply, "Azure Pipelines", "job", token)?;
    given(reply.json::<Given>().map(|given| given.token), "Azure Pipelines")
}

fn address(url: &str, variable: &str) -> Result<Url, SignInError> {
    Url::parse(url.trim()).map_err(|_| {
        misconfigured(&format!("`{variable}` is not an address"), "leave the variable as the build sets it")
    })
}

fn authorised(mut request: Request, token: &SecretString) -> Result<Request, SignInError> {
    let line = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| misconfigured("the job's token is not a token", "leave it as the build sets it"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

fn check(reply: &Reply, who: &str, whom: &str, hint: &str) -> Result<(), SignInError> {
    let status = reply.status.as_u16();
    let sentence = format!("{who} gives this {whom} no identity token ({status})");
    match status {
        200 => Ok(()),
        408 | 429 | 500..=599 => Err(SignInError::new(Kind::Unavailable, sentence, "try again in a while")),
        _ => Err(misconfigured(&sentence, hint)),
    }
}

fn given(token: Option<SecretString>, who: &str) -> Result<SecretString, SignInError> {
    token.filter(is_token).ok_or_else(|| {
        let sentence = format!("{who} answered without an identity token");
        SignInError::new(Kind::Malformed, sentence, "run the job again")
    })
}

#[cfg(test)]
mod tests;
