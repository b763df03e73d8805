//! What a sign-in is about: the organisation, its tenant, the registration, and who is meant.

use tokio::sync::mpsc;
use valetkey_protocol::{Event, LoginRequest, Machine, Reason, Refusal, TokenSource};

use crate::{Broker, Client, OrganisationTenant, policy::organisation_name};

/// The Azure CLI's own registration: whose access tokens it lends (Microsoft: "Application IDs of commonly used
/// Microsoft applications").
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Stands for the client id of a managed identity until it is known.
const MANAGED: &str = "managed-identity";

/// What is known before anyone is asked.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) organisation: Option<String>,
    pub(super) client: Client,
    /// Whether the organisation's own answer or the request names the tenant, and not only the configuration.
    pub(super) tenant_known: bool,
    /// Who is meant.
    pub(super) account: Option<String>,
    /// Who lends access tokens.
    pub(super) source: Option<TokenSource>,
    /// Its tokens are for handing out, and mint nothing.
    pub(super) lends: bool,
}

impl Broker {
    pub(crate) async fn plan(
        &self,
        request: &LoginRequest,
        events: &mpsc::Sender<Event>,
    ) -> Result<Plan, Refusal> {
        let live = self.live();
        let organisation = match request.organisation.as_deref() {
            Some(name) => Some(organisation_name(name).ok_or_else(|| no_organisation(name))?),
            None => None,
        };
        let client_id = match &request.from {
            Some(TokenSource::AzureCli(_)) => AZURE_CLI.to_owned(),
            Some(TokenSource::Machine(machine)) if *machine != Machine::Unknown => {
                machine.client_id().unwrap_or(MANAGED).to_owned()
            }
            Some(_) => return Err(no_source()),
            None => {
                let named = request.client_id.clone().or_else(|| live.settings.client_id.clone());
                named.filter(|id| !id.is_empty()).ok_or_else(no_client_id)?
            }
        };
        let mut tenant = request.tenant.clone();
        if let (None, Some(organisation)) = (&tenant, &organisation) {
            let sentence = format!("asking which tenant organisation {organisation} belongs to");
            let _ = events.send(Event::Progress { sentence }).await;
            tenant =
                match live.services.pats.tenant_of(organisation).await.map_err(|failure| failure.refusal)? {
                    OrganisationTenant::Tenant(tenant) => Some(tenant),
                    OrganisationTenant::MicrosoftAccount => return Err(personal(organisation)),
                    OrganisationTenant::Unknown => None,
                };
        }
        let tenant_known = tenant.is_some();
        let tenant = tenant.unwrap_or_else(|| live.settings.tenant.clone());
        let source = request.from.clone();
        let minting = live.settings.client_id.as_deref();
        let lends = source.is_none()
            && live.settings.entra_client_id.as_deref() == Some(client_id.as_str())
            && minting != Some(client_id.as_str());
        let account = request.account.clone();
        let client = Client { tenant, client_id, lends };
        Ok(Plan { organisation, client, tenant_known, account, source, lends })
    }
}

fn no_organisation(name: &str) -> Refusal {
    Refusal::new(
        Reason::Configuration,
        format!("`{name}` is not the name of an organisation"),
        "give its name as in `https://dev.azure.com/NAME`",
    )
}

fn no_source() -> Refusal {
    Refusal::new(
        Reason::VersionMismatch,
        "the running agent does not know this source of tokens",
        "run `valetkey agent restart`",
    )
}

fn no_client_id() -> Refusal {
    Refusal::new(
        Reason::ClientIdMissing,
        "no client id is configured",
        "run `valetkey setup entra`, then set `client-id` under `[entra]`; or `valetkey login --from az`",
    )
}

fn personal(organisation: &str) -> Refusal {
    Refusal::new(
        Reason::KeyForbidden,
        format!(
            "organisation `{organisation}` is for personal Microsoft accounts, where no keys can be minted"
        ),
        format!(
            "ask the owner of `{organisation}` to connect it to Microsoft Entra; until then only a token made by hand serves"
        ),
    )
}
