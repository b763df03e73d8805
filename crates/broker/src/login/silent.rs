//! Which account serves a sign-in without a person.

use valetkey_protocol::{LoginRequest, Reason, Refusal};

use super::plan::Plan;
use crate::{Broker, Failure, FailureKind, accounts::Account, session::Need};

impl Broker {
    /// Accounts whose session may serve, the likeliest first.
    pub(super) fn candidates(&self, plan: &Plan, request: &LoginRequest) -> Vec<Account> {
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

    /// The first account that needs nobody. An account that is blocked does not stand in another's way.
    pub(super) async fn one_of(
        &self,
        candidates: &[Account],
        plan: &Plan,
    ) -> Result<Option<Account>, Refusal> {
        let (mut hopeless, mut helpful) = (None, false);
        for account in candidates {
            self.sessions.problems.forget_refusals(&account.id);
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

    pub(crate) async fn silently(&self, account: &Account, plan: &Plan) -> Result<Account, Failure> {
        if let Some(organisation) = &plan.organisation {
            return self.allow(account, organisation, plan).await;
        }
        let live = self.live();
        let identity = &*live.services.identity;
        self.sessions.access(identity, &self.breakers, account, &account.tenant, Need::default()).await?;
        Ok(account.clone())
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
