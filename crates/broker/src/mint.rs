//! Making one key at the service, with every step on the ledger before it is taken.

use std::{sync::Arc, time::Duration};

use valetkey_protocol::{Reason, Refusal};

use crate::{
    Broker, CreatedKey, Failure, NewKey,
    accounts::Account,
    audit::Filled as _,
    broker::held,
    clock::random_hex,
    keys::{Key, KeyName},
    ledger::{Entry, State},
    session::blocking,
};

/// First pause before a lost key is looked for: what was made a moment ago may not be listed yet.
pub(crate) const SETTLING: Duration = Duration::from_secs(5);

impl Broker {
    /// Writes a key that is about to be asked for on the ledger: nothing is asked for that could not be found again.
    pub(crate) async fn begin(&self, entry: &Entry) -> Result<(), Failure> {
        let written = entry.clone();
        let begun =
            self.on_ledger(move |ledger| ledger.begin(written).map_err(|error| error.to_string())).await;
        match begun {
            Some(Err(sentence)) => Err(unledgered(&sentence).into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn mint(&self, name: &KeyName, account: &Account) -> Result<Arc<Key>, Failure> {
        let (new, entry) = self.draft(name)?;
        let per_hour = self.live().settings.mints_per_hour;
        // A token is fetched before anything is written: most failures are found here and leave no trace.
        self.check_session(account, &name.organisation).await?;
        held(&self.quota).take(self.clock.monotonic(), per_hour)?;
        self.begin(&entry).await?;
        let went = self
            .with_token(account, &name.organisation, |live, bearer| {
                let new = new.clone();
                async move { live.services.pats.create(&name.organisation, &bearer, &new).await }
            })
            .await;
        let kept = match went {
            Ok(created) => self.keep(entry.clone(), created, account).await,
            Err(failure) => {
                self.forget(&entry, &failure).await;
                Err(failure)
            }
        };
        if kept.is_err() {
            self.ledger.landed(&entry.nonce);
        }
        kept
    }

    pub(crate) fn draft(&self, name: &KeyName) -> Result<(NewKey, Entry), Refusal> {
        let live = self.live();
        let nonce = random_hex::<10>(&*self.random).map_err(|error| {
            Refusal::new(Reason::Internal, error.to_string(), "try again, then restart the machine")
        })?;
        let now = self.clock.now();
        let new = NewKey {
            display_name: format!(
                "valetkey {} {} {nonce}",
                live.settings.clean_machine(),
                name.purpose.word()
            ),
            scope: name.purpose.scope().to_owned(),
            valid_to: now.saturating_add(live.settings.key_lifetime.as_secs()),
        };
        let entry = Entry {
            nonce,
            state: State::Posting,
            account: name.account.clone(),
            organisation: name.organisation.clone(),
            scope: new.scope.clone(),
            name: new.display_name.clone(),
            service: live.settings.service(),
            created_at: now,
            valid_to: new.valid_to,
            authorization_id: None,
            person: None,
        };
        Ok((new, entry))
    }

    async fn keep(
        &self,
        mut entry: Entry,
        created: CreatedKey,
        account: &Account,
    ) -> Result<Arc<Key>, Failure> {
        let now = self.moment();
        entry.state = State::Minted;
        entry.created_at = now.wall;
        entry.valid_to = created.valid_to;
        entry.authorization_id = Some(created.authorization_id);
        let known = entry.clone();
        self.on_ledger(move |ledger| ledger.change(&known.nonce.clone(), |entry| *entry = known)).await;
        let live = self.live();
        let (scope, lifetime) = (entry.scope.clone(), live.settings.key_lifetime.as_secs());
        self.record("minted").of_key(&entry, &account.username).write(&*self.audit);
        let key = Key::new(entry.clone(), created.secret, now);
        if !key.is_usable(now) {
            self.supersede(&entry, None).await;
            return Err(stillborn(&scope, lifetime, key.left(now)).into());
        }
        let (secrets, secret) = (Arc::clone(&self.secrets), key.secret.clone());
        // Without this write the key serves until the agent ends, and the next start revokes it.
        let _ = blocking(move || secrets.set(&value_name(&entry.nonce), &secret)).await;
        Ok(Arc::new(key))
    }

    /// A failed POST: closed where nothing can have come of it, else left for the sweep.
    pub(crate) async fn forget(&self, entry: &Entry, failure: &Failure) {
        let (nonce, now) = (entry.nonce.clone(), self.clock.monotonic());
        if failure.may_have_committed {
            self.ledger.put_off(&nonce, now, SETTLING);
            self.wake.notify_one();
        } else {
            self.on_ledger(move |ledger| ledger.change(&nonce, |entry| entry.state = State::Void)).await;
        }
    }

    /// Puts a key on the ledger for revocation, at once or after a grace.
    pub(crate) async fn supersede(&self, entry: &Entry, grace: Option<Duration>) {
        if let Some(grace) = grace {
            self.ledger.put_off(&entry.nonce, self.clock.monotonic(), grace);
        }
        let nonce = entry.nonce.clone();
        self.on_ledger(move |ledger| ledger.change(&nonce, |entry| entry.state = State::Superseded)).await;
        self.wake.notify_one();
    }
}

/// Name of a key's value in the vault.
pub(crate) fn value_name(nonce: &str) -> String {
    format!("key/{nonce}")
}

pub(crate) fn unledgered(sentence: &str) -> Refusal {
    Refusal::new(
        Reason::Configuration,
        format!("{sentence}, and without it no key is minted"),
        "make its folder writable and check that the disk is not full",
    )
}

fn stillborn(scope: &str, asked: u64, left: u64) -> Refusal {
    Refusal::new(
        Reason::Configuration,
        format!("a key for `{scope}` was asked for {asked} seconds and ends in {left}"),
        "check this machine's clock, and the organisation's policy for the life of tokens",
    )
}
