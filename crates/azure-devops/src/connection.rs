//! Who one is to an organisation.

use serde::Deserialize;
use valetkey_http::Http;

use crate::{
    DevOps, DevOpsError,
    client::{Auth, address},
    pats::read,
    refused::{self, Asked},
};

/// What an organisation says to somebody it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionData {
    /// Id of the organisation, as it stands in [`crate::Pat::target_accounts`].
    pub instance_id: String,
    /// Id of the account within Azure DevOps.
    pub user_id: String,
    /// The account's name for people.
    pub display_name: String,
    /// The account's user name, often an address.
    pub account: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    instance_id: String,
    authenticated_user: Option<User>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct User {
    id: Option<String>,
    provider_display_name: Option<String>,
    properties: Properties,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Properties {
    #[serde(rename = "Account")]
    account: Property,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Property {
    #[serde(rename = "$value")]
    value: Option<String>,
}

impl DevOps {
    /// Asks an organisation who one is: the cheapest question that tells whether a key is alive.
    pub async fn connection_data(
        &self,
        organisation: &str,
        auth: Auth<'_>,
    ) -> Result<ConnectionData, DevOpsError> {
        let by_key = matches!(auth, Auth::Pat(_));
        let asked = Asked { by_key, whom: &self.endpoints().dev, ..self.asked(organisation) };
        let query = [("connectOptions", "none")];
        let url = address(&self.endpoints().dev, organisation, &["_apis", "connectionData"], &query)?;
        let wire: Wire = read(self.send(Http::get(url), auth, &asked).await?, &asked)?;
        if !crate::organisation::is_guid(&wire.instance_id) {
            return Err(refused::malformed(&asked));
        }
        let user = wire.authenticated_user.unwrap_or_default();
        Ok(ConnectionData {
            instance_id: wire.instance_id,
            user_id: user.id.unwrap_or_default(),
            display_name: user.provider_display_name.unwrap_or_default(),
            account: user.properties.account.value.unwrap_or_default(),
        })
    }
}
