//! The real services behind the broker's traits.

mod azure_cli;
mod machine;
mod pats;

use std::{sync::Arc, time::Duration};

use url::Url;
use valetkey_azure_devops::{Auth, DevOps, Endpoints, Filter, NewPat, TenantHint};
use valetkey_entra::{Authority, Options, Prompt, SignIn};
use valetkey_http::Http;
use valetkey_paths::Paths;
use valetkey_protocol::{
    Event, Flow, Machine, MachineProof, PatChange, PatList, Reason, Refusal, SecretString, TokenSource,
};
use valetkey_vault::Vault;

use machine::Proofs;

use crate::{
    AuditSink, Bearer, Broker, Client, Clock, Connect, CreatedKey, Doorbell, Failure, FailureKind, Identity,
    ListedKey, Loan, NewKey, OrganisationTenant, Parts, PatFacts, PatPage, Pats, Pending, Random, Secrets,
    Services, Settings, Started, Tokens, Wish,
};

/// How long a lender's refusal is believed, in seconds.
const LENDER: u64 = 5;
/// How long a person has for a sign-in in the browser.
const PERSON: Duration = Duration::from_secs(300);

/// What the broker needs from the agent.
#[derive(Debug)]
pub struct Deps {
    /// Where secrets rest.
    pub vault: Vault,
    /// The way out.
    pub http: Http,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where audit lines go.
    pub audit: Arc<dyn AuditSink>,
    /// Where files are.
    pub paths: Paths,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Calls people.
    pub doorbell: Arc<dyn Doorbell>,
}

impl Broker {
    /// A broker over Microsoft Entra and Azure DevOps. Touches neither vault nor network; fails only where the
    /// configuration names no usable service.
    pub fn new(settings: Settings, deps: Deps) -> Result<Arc<Self>, Refusal> {
        let parts = Parts {
            connect: Box::new(Microsoft { http: deps.http, proofs: Arc::default() }),
            secrets: Arc::new(Resting(deps.vault)),
            clock: deps.clock,
            audit: deps.audit,
            random: deps.random,
            doorbell: deps.doorbell,
            state_file: deps.paths.state_file,
            ledger: deps.paths.ledger,
        };
        Self::assemble(settings, parts)
    }
}

#[derive(Debug)]
struct Microsoft {
    http: Http,
    proofs: Arc<Proofs>,
}

impl Connect for Microsoft {
    fn connect(&self, settings: &Settings) -> Result<Services, Refusal> {
        let authority = Authority::configured(&settings.authority).map_err(|error| error.refusal())?;
        let endpoints = Endpoints { dev: settings.dev.clone(), pats: settings.pats.clone() };
        let devops = DevOps::new(self.http.clone(), endpoints);
        let devops = match Url::parse(&settings.authority) {
            Ok(url) => devops.with_authority(url),
            Err(_) => devops,
        };
        Ok(Services {
            identity: Arc::new(Entra {
                http: self.http.clone(),
                authority,
                proofs: Arc::clone(&self.proofs),
            }),
            pats: Arc::new(AzureDevOps(devops)),
        })
    }

    fn prove(&self, proof: MachineProof) {
        self.proofs.take(proof);
    }

    fn disprove(&self, machine: &Machine) {
        self.proofs.forget(machine);
    }
}

#[derive(Debug)]
struct Entra {
    http: Http,
    authority: Authority,
    proofs: Arc<Proofs>,
}

impl Entra {
    fn sign_in(&self, client: &Client) -> SignIn {
        SignIn {
            http: self.http.clone(),
            authority: self.authority.clone(),
            tenant: client.tenant.clone(),
            client_id: client.client_id.clone(),
            scopes: if client.lends { SignIn::consented_scopes() } else { SignIn::default_scopes() },
        }
    }
}

impl Identity for Entra {
    fn borrow<'a>(&'a self, loan: Loan<'a>) -> Pending<'a, Result<Tokens, Failure>> {
        Box::pin(async move {
            let went = match loan.source {
                TokenSource::AzureCli(from) => azure_cli::borrow(loan, from).await,
                TokenSource::Machine(from) => match machine::client(loan, from) {
                    Ok(client) => {
                        machine::borrow(self.sign_in(&client), from, &self.proofs, loan.claims).await
                    }
                    Err(refusal) => Err(refusal.into()),
                },
                source => {
                    let sentence = format!("no token can be had of {source}");
                    Err(Refusal::new(Reason::VersionMismatch, sentence, "run `valetkey agent restart`")
                        .into())
                }
            };
            // What a person mends there is not told here: it is asked again soon.
            went.map_err(|failure| match failure.kind {
                FailureKind::Transient => failure,
                _ => failure.believed_for(LENDER),
            })
        })
    }

    fn refresh<'a>(
        &'a self,
        client: &'a Client,
        token: &'a SecretString,
        claims: Option<&'a str>,
    ) -> Pending<'a, Result<Tokens, Failure>> {
        Box::pin(async move { Ok(plain(self.sign_in(client).refresh(token, claims).await?)) })
    }

    fn begin<'a>(
        &'a self,
        client: &'a Client,
        flow: Flow,
        wish: Wish,
    ) -> Pending<'a, Result<Started, Failure>> {
        let sign_in = self.sign_in(client);
        Box::pin(async move {
            match flow {
                Flow::Browser => in_browser(sign_in, wish).await,
                Flow::DeviceCode => by_code(sign_in).await,
                _ => Err(Refusal::new(
                    Reason::BadRequest,
                    "this way of signing in is not known",
                    "run `valetkey agent restart` if `valetkey` is newer than the running agent",
                )
                .into()),
            }
        })
    }
}

async fn in_browser(sign_in: SignIn, wish: Wish) -> Result<Started, Failure> {
    let prompt = wish.choose_account.then_some(Prompt::SelectAccount);
    let flow =
        sign_in.begin_browser(Options { login_hint: wish.login_hint, claims: wish.claims, prompt }).await?;
    let event = Event::Browser { url: flow.url().to_string() };
    Ok(Started { event, finish: Box::pin(async move { Ok(plain(flow.finish(PERSON).await?)) }) })
}

async fn by_code(sign_in: SignIn) -> Result<Started, Failure> {
    let flow = sign_in.begin_device().await?;
    let event = Event::DeviceCode {
        user_code: flow.user_code().to_owned(),
        verification_uri: flow.verification_uri().to_owned(),
        expires_in: flow.expires_in().as_secs(),
    };
    Ok(Started { event, finish: Box::pin(async move { Ok(plain(flow.finish().await?)) }) })
}

fn plain(tokens: valetkey_entra::Tokens) -> Tokens {
    Tokens {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        expires_in: tokens.expires_in,
        scopes: tokens.scopes,
        username: tokens.username.unwrap_or_default(),
        account_id: tokens.account_id.unwrap_or_default(),
        tenant: tokens.tenant.unwrap_or_default(),
    }
}

#[derive(Debug)]
struct AzureDevOps(DevOps);

impl Pats for AzureDevOps {
    fn create<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>> {
        Box::pin(async move {
            let new = NewPat {
                display_name: key.display_name.clone(),
                scope: key.scope.clone(),
                valid_to: key.valid_to,
            };
            let devops = self.0.in_tenant(&bearer.tenant);
            let created = devops.create(organisation, &bearer.token, &new).await?;
            Ok(CreatedKey {
                authorization_id: created.pat.authorization_id,
                secret: created.token,
                valid_to: created.pat.valid_to,
            })
        })
    }

    fn list<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
    ) -> Pending<'a, Result<Vec<ListedKey>, Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            let listed = devops.list(organisation, &bearer.token, Filter::Active).await?;
            let key = |pat: valetkey_azure_devops::Pat| ListedKey {
                authorization_id: pat.authorization_id,
                display_name: pat.display_name,
                valid_to: pat.valid_to,
            };
            Ok(listed.into_iter().map(key).collect())
        })
    }

    fn revoke<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<(), Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            Ok(devops.revoke(organisation, &bearer.token, authorization_id).await?)
        })
    }

    fn page<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        list: &'a PatList,
    ) -> Pending<'a, Result<PatPage, Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            let listing = pats::listing(list);
            let page = devops.page(organisation, &bearer.token, &listing, list.after.as_deref()).await?;
            Ok(PatPage { pats: page.pats.into_iter().map(pats::facts).collect(), next: page.next })
        })
    }

    fn get<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<Option<PatFacts>, Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            Ok(devops.get(organisation, &bearer.token, authorization_id).await?.map(pats::facts))
        })
    }

    fn update<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        change: &'a PatChange,
    ) -> Pending<'a, Result<PatFacts, Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            let update = pats::update(change);
            Ok(pats::facts(devops.update(organisation, &bearer.token, &change.id, &update).await?))
        })
    }

    fn session_token<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>> {
        Box::pin(async move {
            let new = NewPat {
                display_name: key.display_name.clone(),
                scope: key.scope.clone(),
                valid_to: key.valid_to,
            };
            let devops = self.0.in_tenant(&bearer.tenant);
            let given = devops.session_token(organisation, &bearer.token, &new).await?;
            Ok(CreatedKey { authorization_id: String::new(), secret: given.token, valid_to: given.valid_to })
        })
    }

    fn recognise<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
    ) -> Pending<'a, Result<(), Failure>> {
        Box::pin(async move {
            let devops = self.0.in_tenant(&bearer.tenant);
            devops.connection_data(organisation, Auth::Bearer(&bearer.token)).await?;
            Ok(())
        })
    }

    fn tenant_of<'a>(&'a self, organisation: &'a str) -> Pending<'a, Result<OrganisationTenant, Failure>> {
        Box::pin(async move {
            Ok(match self.0.discover(organisation).await?.tenant {
                TenantHint::Tenant(tenant) => OrganisationTenant::Tenant(tenant),
                TenantHint::MicrosoftAccount => OrganisationTenant::MicrosoftAccount,
                TenantHint::Unknown => OrganisationTenant::Unknown,
            })
        })
    }
}

#[derive(Debug)]
struct Resting(Vault);

impl Secrets for Resting {
    fn get(&self, name: &str) -> Result<Option<SecretString>, Refusal> {
        Ok(self.0.get(name)?)
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Refusal> {
        Ok(self.0.set(name, secret)?)
    }

    fn delete(&self, name: &str) -> Result<(), Refusal> {
        Ok(self.0.delete(name)?)
    }

    fn unlock(&self, passphrase: &SecretString) -> Result<(), Refusal> {
        Ok(self.0.unlock(passphrase)?)
    }

    fn lock(&self) -> Result<(), Refusal> {
        Ok(self.0.lock()?)
    }
}
