//! Session tokens: the door that Microsoft's own tools use (artifacts-credprovider, `SessionTokenClient`). Undocumented,
//! and so never the first choice.
//!
//! A self-describing one is in no list, sends no mail and cannot be revoked; it ends by itself within a day.

use serde::{Deserialize, Serialize};
use valetkey_http::{Http, Method};
use valetkey_protocol::SecretString;

use crate::{
    DevOps, DevOpsError, DevOpsErrorKind as Kind, NewPat,
    client::{Auth, address_of_version},
    pats::{is_token, read},
    refused, time,
};

const VERSION: &str = "5.0-preview.1";
const PATH: [&str; 3] = ["_apis", "Token", "SessionTokens"];

/// A session token.
#[derive(Debug, Clone)]
pub struct SessionToken {
    /// The token.
    pub token: SecretString,
    /// Its end, in seconds since 1970; the service may have made it earlier than asked.
    pub valid_to: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    display_name: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    token: Option<SecretString>,
    #[serde(default)]
    valid_to: String,
}

impl DevOps {
    /// Asks for a self-describing session token. Where the end that is wished for is refused, the service chooses one.
    pub async fn session_token(
        &self,
        organisation: &str,
        token: &SecretString,
        new: &NewPat,
    ) -> Result<SessionToken, DevOpsError> {
        match self.ask_session(organisation, token, new, Some(time::format(new.valid_to))).await {
            Err(DevOpsError { kind: Kind::BadRequest, .. }) => {
                self.ask_session(organisation, token, new, None).await
            }
            Err(DevOpsError { kind: Kind::Forbidden(error), .. }) if error.is_about_its_life() => {
                self.ask_session(organisation, token, new, None).await
            }
            went => went,
        }
    }

    async fn ask_session(
        &self,
        organisation: &str,
        token: &SecretString,
        new: &NewPat,
        valid_to: Option<String>,
    ) -> Result<SessionToken, DevOpsError> {
        let asked = self.asked(organisation);
        let query = [("tokenType", "SelfDescribing")];
        let url = address_of_version(&self.endpoints().pats, organisation, &PATH, &query, VERSION)?;
        let body = Asked { display_name: &new.display_name, scope: &new.scope, valid_to };
        let request = Http::json(Method::POST, url, &body).map_err(|_| refused::malformed(&asked))?;
        let given: Given = read(self.send(request, Auth::Bearer(token), &asked).await?, &asked)?;
        let token = given.token.filter(is_token).ok_or_else(|| refused::malformed(&asked))?;
        let valid_to = time::parse(&given.valid_to).ok_or_else(|| refused::malformed(&asked))?;
        Ok(SessionToken { token, valid_to })
    }
}
