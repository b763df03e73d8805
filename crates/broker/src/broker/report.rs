//! What the broker tells about itself.

use std::collections::HashSet;

use valetkey_protocol::{AccountStatus, KeyStatus, Reason, Refusal, SessionState};

use super::Broker;
use crate::{accounts::Account, choice};

impl Broker {
    /// The accounts, the usual one first.
    pub fn accounts(&self) -> Vec<AccountStatus> {
        let status = |account: Account| {
            let (session, problem) = if account.leaving {
                (SessionState::Ended, Some(leaving()))
            } else {
                self.sessions.state(&account, &self.breakers)
            };
            let problem = problem.map(|refusal| {
                let first = account.organisations.first().map_or("", |first| first.name.as_str());
                choice::named(refusal, &account, first)
            });
            AccountStatus {
                used_for: self.accounts.used_for(&account),
                organisations: account.organisation_names(),
                username: account.username,
                tenant: account.tenant,
                client_id: account.client_id,
                source: account.source,
                lends: account.lends,
                session,
                problem,
            }
        };
        self.accounts.snapshot().into_iter().map(status).collect()
    }

    /// Every live key, without its value.
    pub fn keys(&self) -> Vec<KeyStatus> {
        let accounts = self.accounts.snapshot();
        let username =
            |id: &str| accounts.iter().find(|account| account.id == id).map_or("", |found| &found.username);
        let now = self.moment();
        let table = self.table();
        let live = table.keys().filter(|key| key.left(now) > 0);
        let mut keys: Vec<_> = live.map(|key| key.status(username(&key.entry.account))).collect();
        keys.sort_by(|a, b| (&a.organisation, &a.scope, &a.id).cmp(&(&b.organisation, &b.scope, &b.id)));
        keys
    }

    /// Keys on the ledger that are wanted no more and still have to be revoked.
    pub fn to_revoke(&self) -> u32 {
        let held: HashSet<String> = self.table().keys().map(|key| key.entry.nonce.clone()).collect();
        let to_load = self.to_load();
        let open = self.ledger.open_entries();
        let pending = open.iter().filter(|entry| {
            entry.is_to_revoke() && !held.contains(&entry.nonce) && !to_load.contains(&entry.nonce)
        });
        u32::try_from(pending.count()).unwrap_or(u32::MAX)
    }

    /// One line for each thing that is not as it should be.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.accounts.warning().into_iter().collect();
        if self.sessions.degraded() {
            warnings.push("the session is in memory only: its newest token could not be stored".to_owned());
        }
        warnings.extend(self.unsettled_pats());
        match self.ledger.skipped_lines() {
            0 => {}
            lines => warnings.push(format!("{lines} lines of the ledger are not understood")),
        }
        warnings
    }
}

fn leaving() -> Refusal {
    Refusal::new(
        Reason::NeedsLogin,
        "signed out; it is kept until its keys are revoked and its session is deleted",
        "wait, or run `valetkey logout` again; run `valetkey login` to sign in anew",
    )
}
