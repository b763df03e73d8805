//! Signing in: silently where a session lives, else with a person.

use std::sync::Arc;

use tokio::sync::mpsc;
use valetkey_protocol::{Answer, Event, Flow, LoginRequest, Machine, Reason, Refusal, TokenSource};

use crate::{
    Broker, Client, Failure, FailureKind, Loan, OrganisationTenant, Peer, Tokens, Wish,
    accounts::Account,
    audit::Filled as _,
    breaker::Upstream,
    choice,
    policy::organisation_name,
    session::Need,
    together::{Lead, Matter, Seat},
};

/// The Azure CLI's own registration: whose access tokens it lends (Microsoft: "Application IDs of commonly used
/// Microsoft applications").
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Stands for the client id of a managed identity until it is known.
const MANAGED: &str = "managed-identity";

/// How somebody came to be signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Silently,
    ByPerson,
    /// A person signed in for another program that wanted the same at the same time.
    Together,
    /// A person is signed in elsewhere, and access tokens come from there.
    Lent,
}

impl How {
    fn note(self) -> &'static str {
        match self {
            Self::Silently => "by the live session",
            Self::ByPerson => "by a person",
            Self::Together => "by a person, for several programs at once",
            Self::Lent => "by a session elsewhere",
        }
    }
}

/// What is known before anyone is asked.
#[derive(Debug)]
pub(crate) struct Plan {
    organisation: Option<String>,
    client: Client,
    /// Whether the organisation's own answer or the request names the tenant, and not only the configuration.
    tenant_known: bool,
    /// Who is meant.
    account: Option<String>,
    /// Who lends access tokens.
    source: Option<TokenSource>,
    /// Its tokens are for handing out, and mint nothing.
    lends: bool,
}

impl Broker {
    /// Signs in, and allows the organisation for the account. Events are for a person to see; dropping their receiver
    /// cancels.
    pub async fn login(
        self: &Arc<Self>,
        request: LoginRequest,
        events: mpsc::Sender<Event>,
        peer: Peer,
    ) -> Answer {
        let went = tokio::select! {
            biased;
            () = events.closed() => Err(abandoned()),
            went = self.try_login(&request, &events) => went,
        };
        match went {
            Ok((account, how)) => {
                self.record("signed-in")
                    .of_account(&account.username)
                    .noting(how.note())
                    .by(&peer)
                    .write(&*self.audit);
                let organisations = account.organisation_names();
                let silent = how == How::Silently;
                Answer::SignedIn { account: account.username, tenant: account.tenant, organisations, silent }
            }
            Err(refusal) => {
                self.record("refused").because(&refusal).by(&peer).write(&*self.audit);
                Answer::Refused(refusal)
            }
        }
    }

    async fn try_login(
        self: &Arc<Self>,
        request: &LoginRequest,
        events: &mpsc::Sender<Event>,
    ) -> Result<(Account, How), Refusal> {
        if self.is_locked() {
            return Err(Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`"));
        }
        let plan = self.plan(request, events).await?;
        if plan.source.is_some() {
            return Ok((self.borrowed(&plan, events).await?, How::Lent));
        }
        let candidates = self.candidates(&plan, request);
        if !request.fresh
            && let Some(account) = self.one_of(&candidates, &plan).await?
        {
            return Ok((account, How::Silently));
        }
        let usual = candidates.into_iter().next();
        let matter = Matter {
            client: plan.client.clone(),
            organisation: plan.organisation.clone(),
            account: plan.account.clone(),
        };
        let (seat, lead) = self.sign_ins.join(&matter)?;
        let how = if lead.is_some() { How::ByPerson } else { How::Together };
        if let Some(lead) = lead {
            let wish = Wish {
                login_hint: plan.account.clone().or_else(|| {
                    usual.as_ref().filter(|_| !request.fresh).map(|account| account.username.clone())
                }),
                claims: usual.as_ref().and_then(|account| self.sessions.take_claims(&account.id)),
                choose_account: request.fresh && plan.account.is_none(),
            };
            // In a task of its own: who began may leave while others wait.
            let (broker, flow) = (Arc::clone(self), request.flow);
            tokio::spawn(async move { broker.ask_person(plan, flow, wish, lead).await });
        }
        Ok((attend(seat, events).await?, how))
    }

    /// Has a person sign in, until nobody waits for it any more.
    async fn ask_person(self: Arc<Self>, plan: Plan, flow: Flow, wish: Wish, lead: Lead) {
        let identity = Arc::clone(&self.live().services.identity);
        let signing = async {
            let started = identity.begin(&plan.client, flow, wish).await?;
            lead.show(started.event);
            started.finish.await
        };
        let tokens = tokio::select! {
            biased;
            () = lead.deserted() => return,
            tokens = signing => tokens,
        };
        // Once the tokens are here, leaving must not leave half a session.
        let outcome = match tokens.map_err(|failure| failure.refusal) {
            Ok(tokens) => match check_granted(&tokens, plan.lends) {
                Ok(()) => self.conclude(&plan, tokens).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        lead.end(outcome);
    }

    /// Takes the tokens of somebody who is signed in elsewhere. Nobody is asked anything.
    async fn borrowed(&self, plan: &Plan, events: &mpsc::Sender<Event>) -> Result<Account, Refusal> {
        let Some(source) = &plan.source else { return Err(abandoned()) };
        let _ = events.send(Event::Progress { sentence: format!("asking {source} for a token") }).await;
        let tenant = plan.tenant_known.then_some(plan.client.tenant.as_str());
        let identity = Arc::clone(&self.live().services.identity);
        let loan = Loan { source, tenant, claims: None, introduced: true };
        let tokens = identity.borrow(loan).await.map_err(|failure| failure.refusal)?;
        self.conclude(plan, tokens).await
    }

    /// The first account that needs nobody. An account that is blocked does not stand in another's way.
    async fn one_of(&self, candidates: &[Account], plan: &Plan) -> Result<Option<Account>, Refusal> {
        let (mut hopeless, mut helpful) = (None, false);
        for account in candidates {
            self.sessions.forget_refusals(&account.id);
            match self.silently(account, plan).await {
                Ok(account) => return Ok(Some(account)),
                Err(failure) if failure.kind == FailureKind::Transient => return Err(failure.refusal),
                Err(failure) if person_may_help(&failure) => helpful = true,
                Err(failure) => hopeless = hopeless.or(Some(failure.refusal)),
            }
        }
        match hopeless {
            Some(refusal) if !helpful => Err(refusal),
            _ => Ok(None),
        }
    }

    async fn conclude(&self, plan: &Plan, tokens: Tokens) -> Result<Account, Refusal> {
        if let Some(meant) = &plan.account
            && tokens.username.to_lowercase() != meant.to_lowercase()
        {
            return Err(choice::somebody_else(meant, &tokens.username, plan.organisation.as_deref()));
        }
        let account = self.admit(plan, tokens).await;
        match &plan.organisation {
            Some(organisation) => self
                .allow(&account, organisation, plan)
                .await
                .map_err(|failure| not_usable(&account, organisation, failure)),
            None => Ok(account),
        }
    }

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

    /// Accounts whose session may serve, the likeliest first.
    fn candidates(&self, plan: &Plan, request: &LoginRequest) -> Vec<Account> {
        let mut accounts = self.accounts.snapshot();
        accounts.retain(|account| {
            !account.leaving && account.source.is_none() && account.client_id == plan.client.client_id
        });
        if request.tenant.is_some() {
            accounts.retain(|account| account.tenant == plan.client.tenant);
        }
        if let Some(meant) = &plan.account {
            accounts.retain(|account| account.is_called(meant));
        }
        let organisation = plan.organisation.as_deref().unwrap_or_default();
        let usual = self.accounts.choose(None, plan.organisation.as_deref()).map(|account| account.id);
        accounts.sort_by_key(|account| {
            let known = account.may_use(organisation);
            let usual = known && usual.as_ref() == Some(&account.id);
            (!usual, !known, account.tenant != plan.client.tenant)
        });
        accounts
    }

    pub(crate) async fn silently(&self, account: &Account, plan: &Plan) -> Result<Account, Failure> {
        if let Some(organisation) = &plan.organisation {
            return self.allow(account, organisation, plan).await;
        }
        let live = self.live();
        let identity = &*live.services.identity;
        self.sessions.access(identity, &self.breakers, account, &account.tenant, Need::default()).await?;
        Ok(account.clone())
    }

    /// Puts the account in front of the others, with its session.
    async fn admit(&self, plan: &Plan, tokens: Tokens) -> Account {
        let id = match tokens.account_id.as_str() {
            "" => format!("{}@{}", tokens.username, plan.client.client_id),
            id => id.to_owned(),
        };
        // The same person may be signed in to mint as well.
        let id = if plan.lends { format!("{id}.lends") } else { id };
        let tenant =
            if tokens.tenant.is_empty() { plan.client.tenant.clone() } else { tokens.tenant.clone() };
        let known = self.accounts.find(&id);
        // A guest's sign-in elsewhere does not move the account: its other organisations are told from this one.
        let home = known.as_ref().map_or_else(|| tenant.clone(), |known| known.tenant.clone());
        let account = Account {
            username: tokens.username.clone(),
            tenant: home,
            client_id: plan.client.client_id.clone(),
            organisations: known.map(|known| known.organisations).unwrap_or_default(),
            source: plan.source.clone(),
            lends: plan.lends,
            leaving: false,
            id,
        };
        self.sessions.begin(&account.id, &tenant, tokens).await;
        self.table().slots.values_mut().for_each(crate::keys::Slot::begin_anew);
        let new = account.clone();
        self.change_accounts(move |state| {
            state.accounts.retain(|known| known.id != new.id);
            state.accounts.insert(0, new);
        })
        .await;
        self.wake.notify_one();
        account
    }

    /// Proves that the account may mint in the organisation, by listing its keys there, and allows it.
    async fn allow(&self, account: &Account, organisation: &str, plan: &Plan) -> Result<Account, Failure> {
        let mut account = account.clone();
        let tenant = plan.tenant_known.then_some(plan.client.tenant.as_str());
        account.allow(organisation, tenant.or(Some(account.tenant.clone().as_str())));
        self.breakers.check(&Upstream::Organisation(organisation.to_owned()), self.clock.monotonic())?;
        let mints = account.mints();
        self.with_token(&account, organisation, |live, bearer| async move {
            if mints {
                live.services.pats.list(organisation, &bearer).await.map(drop)
            } else {
                live.services.pats.recognise(organisation, &bearer).await
            }
        })
        .await?;
        let (id, name) = (account.id.clone(), organisation.to_owned());
        let tenant = account.tenant_for(organisation).to_owned();
        self.change_accounts(move |state| {
            if let Some(known) = state.accounts.iter_mut().find(|known| known.id == id) {
                known.allow(&name, Some(&tenant));
            }
            if mints {
                state.usual.insert(name, id);
            }
        })
        .await;
        Ok(self.accounts.find(&account.id).unwrap_or(account))
    }
}

/// Shows what there is to see, and waits for the end.
async fn attend(mut seat: Seat, events: &mpsc::Sender<Event>) -> Result<Account, Refusal> {
    let mut shown = false;
    loop {
        let stage = seat.after(shown).await;
        if let (false, Some(event)) = (shown, stage.event) {
            events.send(event).await.map_err(|_| abandoned())?;
            shown = true;
        }
        if let Some(outcome) = stage.outcome {
            return outcome;
        }
    }
}

/// Whether a sign-in with a person can mend what a silent one met.
fn person_may_help(failure: &Failure) -> bool {
    let by_kind = matches!(
        failure.kind,
        FailureKind::SessionEnded
            | FailureKind::Interaction
            | FailureKind::TokenRejected
            | FailureKind::Claims
            | FailureKind::WrongTenant
    );
    by_kind || failure.refusal.reason == Reason::AccessDenied
}

/// Scopes come with or without the resource in front (`…/vso.pats_manage`).
fn check_granted(tokens: &Tokens, lends: bool) -> Result<(), Refusal> {
    if tokens.refresh_token.is_none() {
        return Err(Refusal::new(
            Reason::Configuration,
            "the sign-in gave no refresh token",
            "allow `offline_access` for the app registration, then sign in again",
        ));
    }
    let granted = tokens
        .scopes
        .iter()
        .map(|scope| scope.rsplit('/').next().unwrap_or(scope))
        .any(|scope| matches!(scope, "vso.pats_manage" | "user_impersonation"));
    if lends && granted {
        return Err(Refusal::new(
            Reason::Configuration,
            "the registration for tokens that are handed out may mint keys",
            "take `vso.pats_manage` from it, or name another one as `entra-client-id` under `[issuers]`",
        ));
    }
    if granted || lends {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::NeedsConsent,
        "the sign-in was not granted `vso.pats_manage`, without which no key can be minted",
        "add the delegated permissions `vso.pats` and `vso.pats_manage` to the app registration: `valetkey setup entra`",
    ))
}

fn not_usable(account: &Account, organisation: &str, failure: Failure) -> Refusal {
    let mut refusal = Refusal::new(
        failure.refusal.reason,
        format!(
            "`{}` is signed in, but cannot mint keys in organisation `{organisation}`: {}",
            account.username, failure.refusal.sentence
        ),
        failure.refusal.hint,
    );
    refusal.retry_after = failure.refusal.retry_after;
    refusal
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
        "connect the organisation to a Microsoft Entra tenant",
    )
}

fn abandoned() -> Refusal {
    Refusal::new(Reason::SignInAbandoned, "the sign-in was cancelled", "run `valetkey login` to try again")
}
