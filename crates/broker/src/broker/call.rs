//! Calling a service as an account: with its access token, and with a better one where the service asks for it.

use std::sync::Arc;

use valetkey_protocol::{Reason, Refusal, TokenSource};

use super::{Broker, Live};
use crate::{
    Bearer, Failure, FailureKind, OrganisationTenant, accounts::Account, breaker::Upstream, session::Need,
};

impl Broker {
    /// Calls a service with an access token, and once more for each thing a better token can mend: one that is
    /// rejected, one that lacks claims, one of the wrong tenant.
    pub(crate) async fn with_token<T, F>(
        &self,
        account: &Account,
        organisation: &str,
        call: impl Fn(Arc<Live>, Bearer) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.with_token_needed(account, organisation, Need::default(), call).await
    }

    /// The same, where the token at hand may not be good enough from the beginning.
    pub(crate) async fn with_token_needed<T, F>(
        &self,
        account: &Account,
        organisation: &str,
        need: Need,
        call: impl Fn(Arc<Live>, Bearer) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let went = self.try_with_token(account, organisation, need, call).await;
        went.map_err(|failure| self.about(failure, account, organisation))
    }

    async fn try_with_token<T, F>(
        &self,
        account: &Account,
        organisation: &str,
        mut need: Need,
        call: impl Fn(Arc<Live>, Bearer) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let live = self.live();
        let upstream = Upstream::Organisation(organisation.to_owned());
        let mut tenant = account.tenant_for(organisation).to_owned();
        let (mut rejected, mut challenged, mut moved) = (false, false, false);
        loop {
            self.breakers.check(&upstream, self.clock.monotonic())?;
            let identity = &*live.services.identity;
            let access = self.sessions.access(identity, &self.breakers, account, &tenant, need).await?;
            let bearer = Bearer {
                token: access.token,
                tenant: tenant.clone(),
                serial: access.serial,
                expires_at: access.expires_at,
            };
            let went = call(Arc::clone(&live), bearer).await;
            self.breakers.note(upstream.clone(), self.clock.monotonic(), &went, self.jitter());
            let failure = match went {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            need = Need { not: Some(access.serial), claims: None };
            match failure.kind {
                FailureKind::TokenRejected if !rejected => rejected = true,
                FailureKind::Claims if !challenged => {
                    challenged = true;
                    need.claims = failure.claims;
                }
                FailureKind::WrongTenant if !moved => {
                    moved = true;
                    match live.services.pats.tenant_of(organisation).await {
                        Ok(OrganisationTenant::Tenant(other)) if other != tenant => {
                            self.move_organisation(&account.id, organisation, &other).await;
                            tenant = other;
                        }
                        _ => return Err(failure),
                    }
                }
                FailureKind::Claims => return Err(self.needs_interaction(account, &tenant, failure)),
                _ => return Err(failure),
            }
        }
    }

    /// Whether there is a session to call a service with. Calls no service but the identity provider.
    pub(crate) async fn check_session(&self, account: &Account, organisation: &str) -> Result<(), Failure> {
        let upstream = Upstream::Organisation(organisation.to_owned());
        self.breakers.check(&upstream, self.clock.monotonic())?;
        let (live, tenant) = (self.live(), account.tenant_for(organisation));
        let identity = &*live.services.identity;
        self.sessions
            .access(identity, &self.breakers, account, tenant, Need::default())
            .await
            .map(drop)
            .map_err(|failure| self.about(failure, account, organisation))
    }

    fn needs_interaction(&self, account: &Account, tenant: &str, failure: Failure) -> Failure {
        let failure = if matches!(account.source, Some(TokenSource::Machine(_))) {
            let refusal = Refusal::new(
                Reason::BlockedByPolicy,
                format!(
                    "the organisation does not take the token of `{}`, not even with the claims that it asked for",
                    account.username
                ),
                "ask an administrator of the organisation's tenant what was changed for this application",
            );
            Failure::new(FailureKind::Final, refusal)
        } else {
            let refusal = Refusal::new(
                Reason::NeedsInteraction,
                "the organisation wants a fresh sign-in",
                "run `valetkey login`",
            );
            Failure::new(FailureKind::Interaction, refusal).claims(failure.claims)
        };
        self.sessions.problems.note(&account.id, tenant, &failure);
        failure
    }

    async fn move_organisation(&self, account: &str, organisation: &str, tenant: &str) {
        let (account, organisation, tenant) =
            (account.to_owned(), organisation.to_owned(), tenant.to_owned());
        self.change_accounts(move |state| {
            if let Some(account) = state.accounts.iter_mut().find(|known| known.id == account) {
                account.allow(&organisation, Some(&tenant));
            }
        })
        .await;
    }
}
