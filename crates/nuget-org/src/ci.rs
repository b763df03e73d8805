//! The identity a pipeline has of its own.

use std::fmt;

use serde::Deserialize;
use valetkey_http::{
    Http, Request, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT},
};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::{NugetError, client::AGENT, exchange::bearer};

/// Whom a pipeline's token must be for (Microsoft: trusted publishing).
pub const AUDIENCE: &str = "https://www.nuget.org";

/// A pipeline that can say who it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum Pipeline {
    /// GitHub Actions: the token is fetched (GitHub: OpenID Connect reference).
    GitHub {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        request_url: Url,
        /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        request_token: SecretString,
    },
    /// GitLab: the token lies in the variable that the job's `id_tokens` names (GitLab: ID token authentication).
    GitLab {
        /// The variable's value.
        token: SecretString,
    },
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub { .. } => "GitHub",
            Self::GitLab { .. } => "GitLab",
        })
    }
}

/// A pipeline that cannot say who it is although it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// GitHub Actions without the permission.
    #[error("this job of GitHub Actions may not ask for a token")]
    NoPermission,
    /// GitHub Actions with an address that is none.
    #[error("`ACTIONS_ID_TOKEN_REQUEST_URL` is not an address")]
    BadAddress,
    /// GitLab without the variable.
    #[error("the variable `{0}` has no token")]
    NoVariable(String),
}

impl PipelineError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NoPermission => "add `id-token: write` to the job's `permissions`".to_owned(),
            Self::BadAddress => "leave the variable as GitHub sets it".to_owned(),
            Self::NoVariable(name) => {
                format!("add `id_tokens: {{ {name}: {{ aud: {AUDIENCE} }} }}` to the job")
            }
        }
    }
}

impl Pipeline {
    /// The pipeline this process runs in, if it runs in one, by way of the environment: `GITHUB_ACTIONS`,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, `GITLAB_CI`, and the variable that holds
    /// GitLab's token. `lookup` answers nothing for a variable that is not set.
    pub fn find(
        lookup: impl Fn(&str) -> Option<String>,
        gitlab_variable: &str,
    ) -> Result<Option<Self>, PipelineError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let asked = (lookup("ACTIONS_ID_TOKEN_REQUEST_URL"), lookup("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        if let (Some(url), Some(token)) = asked {
            let request_url = Url::parse(url.trim()).map_err(|_| PipelineError::BadAddress)?;
            return Ok(Some(Self::GitHub { request_url, request_token: token.into() }));
        }
        if lookup("GITHUB_ACTIONS").is_some() {
            return Err(PipelineError::NoPermission);
        }
        if lookup("GITLAB_CI").is_none() {
            return Ok(None);
        }
        match lookup(gitlab_variable) {
            Some(token) => Ok(Some(Self::GitLab { token: token.trim().into() })),
            None => Err(PipelineError::NoVariable(valetkey_protocol::shown(gitlab_variable))),
        }
    }

    /// A token for nuget.org. GitHub makes a new one each time; GitLab's is the job's one and only, and is used up
    /// with the first key.
    pub async fn token(&self, http: &Http) -> Result<SecretString, NugetError> {
        match self {
            Self::GitLab { token } => Ok(token.clone()),
            Self::GitHub { request_url, request_token } => fetch(http, request_url, request_token).await,
        }
    }
}

#[derive(Deserialize)]
struct Fetched {
    value: SecretString,
}

async fn fetch(http: &Http, url: &Url, token: &SecretString) -> Result<SecretString, NugetError> {
    use crate::NugetErrorKind as Kind;

    let mut url = url.clone();
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let mut request: Request = Http::get(url);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer(token)?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, AGENT);
    let reply = http.send(request).await?;
    let status = reply.status.as_u16();
    if status != 200 {
        let sentence = format!("GitHub Actions gave this job no token (status {status})");
        let kind = if status >= 500 { Kind::Unavailable } else { Kind::TokenRefused };
        return Err(NugetError::new(kind, sentence, "check the job's `permissions`: `id-token: write`"));
    }
    reply
        .json::<Fetched>()
        .map(|fetched| fetched.value)
        .filter(|value| !value.expose_secret().is_empty())
        .ok_or_else(|| {
            let sentence = "GitHub Actions answered without a token";
            NugetError::new(Kind::Malformed, sentence, "run the job again")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Result<String, PipelineError> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Pipeline::find(lookup, "NUGET_ID_TOKEN").map(|found| format!("{found:?}"))
    }

    #[test]
    fn what_the_environment_says() {
        let url = ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/?v=1");
        let token = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "sesame");
        assert_eq!(find(&[]).unwrap(), "None");
        assert_eq!(find(&[("NUGET_ID_TOKEN", "sesame")]).unwrap(), "None");
        assert_eq!(find(&[url, token]).unwrap(), "Some(GitHub)");
        assert_eq!(find(&[("GITLAB_CI", "true"), ("NUGET_ID_TOKEN", "sesame")]).unwrap(), "Some(GitLab)");
        for (variables, expected) in [
            (vec![("GITHUB_ACTIONS", "true")], PipelineError::NoPermission),
            (vec![("GITHUB_ACTIONS", "true"), url], PipelineError::NoPermission),
            (vec![("ACTIONS_ID_TOKEN_REQUEST_URL", "nowhere"), token], PipelineError::BadAddress),
            (
                vec![("GITLAB_CI", "true"), ("NUGET_ID_TOKEN", " ")],
                PipelineError::NoVariable("NUGET_ID_TOKEN".into()),
            ),
        ] {
            let found = find(&variables).unwrap_err();
            assert!(!found.hint().is_empty());
            assert_eq!(found, expected);
        }
    }
}
