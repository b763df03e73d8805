//! What an organisation says about itself to anybody who asks.

use url::Url;
use valetkey_http::{Method, Reply, header::HeaderMap};
use valetkey_protocol::shown;

use crate::{
    DevOps, DevOpsError, DevOpsErrorKind,
    challenge::Challenge,
    client::{Auth, address},
    hosts::{self, ForeignHost, is_zero},
    organisation::is_guid,
    refused::{self, Asked},
};

/// Where an organisation belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantHint {
    /// To this tenant of Microsoft Entra: a GUID or a domain, in lower case.
    Tenant(String),
    /// To none: its people have Microsoft accounts.
    MicrosoftAccount,
    /// It does not say.
    Unknown,
}

/// What an organisation says about itself. Addresses are taken only from closed sets of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationFacts {
    /// Where to sign in.
    pub tenant: TenantHint,
    /// Where its tokens are minted.
    pub sps: Option<Url>,
    /// Addresses that were named and not believed, fit to show.
    pub refused: Vec<String>,
}

impl DevOps {
    /// Asks an organisation, without showing anything, which tenant it belongs to.
    ///
    /// The first challenge that names a tenant at a known host wins, then the first id in `X-VSS-ResourceTenant`
    /// that is not zero; nothing but zeros means Microsoft accounts.
    pub async fn discover(&self, organisation: &str) -> Result<OrganisationFacts, DevOpsError> {
        let url = address(&self.endpoints().dev, organisation, &[], &[])?;
        let asked = Asked { whom: &self.endpoints().dev, ..self.asked(organisation) };
        let reply = self.send(valetkey_http::Request::new(Method::HEAD, url), Auth::Nobody, &asked).await?;
        if matches!(reply.status.as_u16(), 404 | 429 | 500..) {
            return Err(refused::failure(&reply, &asked));
        }
        let elsewhere = refused::challenges(&reply.headers)
            .iter()
            .filter_map(|challenge| challenge.param("authorization_uri"))
            .find_map(|uri| hosts::other_cloud(uri, self.authority()));
        match elsewhere {
            Some(cloud) => Err(of_cloud(organisation, cloud)),
            None => Ok(self.facts(&reply)),
        }
    }

    fn facts(&self, reply: &Reply) -> OrganisationFacts {
        let mut refused = Vec::new();
        let mut believed = |named: &str, answer: Result<Option<String>, ForeignHost>| {
            answer.unwrap_or_else(|ForeignHost| {
                refused.push(shown(named));
                None
            })
        };
        let tenant = refused::challenges(&reply.headers)
            .iter()
            .filter(|challenge| challenge.is("bearer"))
            .filter_map(|challenge: &Challenge| challenge.param("authorization_uri"))
            .find_map(|uri| believed(uri, hosts::tenant_of(uri, self.authority())));
        let sps = reply.headers.get("x-vss-authorizationendpoint").and_then(|value| {
            let named = String::from_utf8_lossy(value.as_bytes());
            let found = hosts::sps(&named, &self.endpoints().pats);
            if found.is_err() {
                refused.push(shown(&named));
            }
            found.ok()
        });
        let tenant = tenant.map_or_else(|| resource_tenant(&reply.headers), TenantHint::Tenant);
        OrganisationFacts { tenant, sps, refused }
    }
}

/// Tokens of one cloud are worth nothing in another.
fn of_cloud(organisation: &str, cloud: &str) -> DevOpsError {
    DevOpsError::new(
        DevOpsErrorKind::OtherCloud,
        format!(
            "`{organisation}` is of the cloud whose people sign in at `{cloud}`, and this agent signs in elsewhere"
        ),
        format!(
            "set `authority = \"https://{cloud}\"` under `[entra]`, with an application registered in that cloud"
        ),
    )
}

/// The tenant in `X-VSS-ResourceTenant`: the first that is not zero.
pub(crate) fn resource_tenant(headers: &HeaderMap) -> TenantHint {
    let values: Vec<_> =
        headers.get_all("x-vss-resourcetenant").iter().filter_map(|value| value.to_str().ok()).collect();
    let mut ids =
        values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|id| is_guid(id)).peekable();
    if ids.peek().is_none() {
        return TenantHint::Unknown;
    }
    ids.find(|id| !is_zero(id))
        .map_or(TenantHint::MicrosoftAccount, |id| TenantHint::Tenant(id.to_ascii_lowercase()))
}
