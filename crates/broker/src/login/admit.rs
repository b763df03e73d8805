//! Taking somebody in who has signed in: what was granted, who it is, and the organisation it is for.

use valetkey_protocol::{Reason, Refusal};

use super::plan::Plan;
use crate::{Broker, Failure, Tokens, accounts::Account, breaker::Upstream, choice};

impl Broker {
    pub(super) async fn conclude(&self, plan: &Plan, tokens: Tokens) -> Result<Account, Refusal> {
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
    pub(super) async fn allow(
        &self,
        account: &Account,
        organisation: &str,
        plan: &Plan,
    ) -> Result<Account, Failure> {
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

/// Scopes come with or without the resource in front (`…/vso.pats_manage`).
pub(super) fn check_granted(tokens: &Tokens, lends: bool) -> Result<(), Refusal> {
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
