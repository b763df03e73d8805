//! Calling a person whose session needs them, where nobody reads what a program prints: a development environment
//! fetches in the background, a key is renewed ahead of time.

use std::sync::Arc;

use valetkey_protocol::{Reason, Refusal, TokenSource};

use crate::{Broker, Peer, accounts::Account, audit::Filled as _, choice};

/// Where somebody else is signed in, nobody tells us when the person has come: they may be called again after this many
/// seconds.
const AGAIN: u64 = 24 * 3600;

/// Who is wanted, and why. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summons {
    /// The account.
    pub account: String,
    /// What is wrong and what to do.
    pub refusal: Refusal,
}

impl Broker {
    /// Calls the person of an account if an answer, or what is known of its session, says that they are needed: once for
    /// each reason until they have signed in again. A machine's account has nobody to call.
    /// Only where `calls`, which is not asked where nobody is needed.
    pub(crate) fn summon(
        self: &Arc<Self>,
        account: &Account,
        organisation: &str,
        refused: Option<&Refusal>,
        calls: impl FnOnce() -> bool,
    ) {
        if account.leaving || matches!(account.source, Some(TokenSource::Machine(_))) {
            return;
        }
        let known = self.sessions.problems.at(&account.id, account.tenant_for(organisation));
        let wanted = |refusal: &Refusal| is_for_a_person(refusal.reason);
        let Some(refusal) = refused.cloned().into_iter().chain(known).find(wanted) else { return };
        if !calls() {
            return;
        }
        let (reason, now) = (refusal.reason, self.clock.now());
        let again = account.source.is_some().then_some(AGAIN);
        if !self.memory.may_summon(&account.id, reason, now, again) {
            return;
        }
        let summons = Summons {
            account: account.username.clone(),
            refusal: choice::named(refusal, account, organisation),
        };
        let (broker, id) = (Arc::clone(self), account.id.clone());
        tokio::spawn(async move {
            let Summons { account, refusal } = summons.clone();
            if !broker.doorbell.ring(summons).await {
                broker.memory.not_summoned(&id, reason);
                return;
            }
            // First what keeps a next agent from calling once more: whoever reads of it on the trail may end this one.
            broker.keep_memory().await;
            broker.record("notified").of_account(&account).because(&refusal).write(&*broker.audit);
        });
    }

    /// Whether a person is meant by what a program is told and may not see it.
    pub(crate) fn is_in_background(&self, peer: &Peer) -> bool {
        peer.is_read && !self.doorbell.has_terminal(peer.pid)
    }

    /// Writes what is remembered off the runtime's threads.
    pub(crate) async fn keep_memory(&self) {
        let memory = Arc::clone(&self.memory);
        let _ = tokio::task::spawn_blocking(move || memory.write()).await;
    }
}

fn is_for_a_person(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NeedsLogin | Reason::NeedsInteraction | Reason::NeedsConsent | Reason::BlockedByPolicy
    )
}
