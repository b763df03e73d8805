//! What is left behind is found and revoked: after a crash, a lost answer, a DELETE that failed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use valetkey_protocol::{Reason, Refusal};

use crate::{
    Broker, Failure, FailureKind, ListedKey, Purpose,
    accounts::Account,
    audit::Filled as _,
    flight::signed_out,
    keys::{Key, KeyName},
    ledger::{Entry, Ledger, State},
    mint::{SETTLING, value_name},
    pat::value_name as pat_value_name,
    session::blocking,
};

/// Longest pause between two looks at what is left to do.
const PAUSE: Duration = Duration::from_secs(30);
/// A key that was asked for and is not listed by then was never made.
const LOST_AFTER: u64 = 15 * 60;
/// First pause after a revocation failed.
pub(crate) const RETRY: Duration = Duration::from_secs(15);
/// What became of a key whose answer was lost.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was there, and is no more.
    Revoked,
    /// It is there, and could not be revoked for now.
    Alive(Failure),
    /// It is not listed, and what was made a while ago would be.
    NeverMade,
    /// It is not listed yet.
    Unseen,
}

/// A key is struck off this long after its end, in seconds: the service's clock is not ours.
const MARGIN: u64 = 300;

impl Broker {
    /// Begins: reads the ledger, then, without waiting for it, the values of an earlier run's keys and what is left to
    /// revoke. Goes on tending in the background until the broker is dropped or stopped.
    pub async fn start(self: &Arc<Self>) {
        if let Some(Err(error)) = self.on_ledger(Ledger::load).await {
            tracing::warn!(%error, "the ledger is not read");
        }
        let service = self.live().settings.service();
        let minted = |entry: &Entry| entry.state == State::Minted && entry.service == service;
        let left: HashSet<String> =
            self.ledger.open_entries().into_iter().filter(minted).map(|entry| entry.nonce).collect();
        self.loaded.send_replace(left.is_empty());
        *self.to_load() = left;
        let broker = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(broker) = broker.upgrade() {
                if broker.stopping.load(Ordering::SeqCst) {
                    break;
                }
                broker.tend().await;
                let _ = tokio::time::timeout(broker.pause(), broker.wake.notified()).await;
            }
        });
    }

    /// How long nothing is to be done: until the next entry is due, between one second and [`PAUSE`].
    fn pause(&self) -> Duration {
        let due = self.ledger.next_due().map(|due| due.saturating_sub(self.clock.monotonic()));
        due.map_or(PAUSE, |due| due.clamp(Duration::from_secs(1), PAUSE))
    }

    /// One look at everything that is left to do.
    pub async fn tend(&self) {
        let _alone = self.tending.lock().await;
        self.load_values().await;
        self.loaded.send_replace(true);
        self.sessions.save_again().await;
        self.settle().await;
        self.finish_leaving().await;
    }

    /// Reads the values of an earlier run's keys. One that is not in the vault is an orphan; a vault that does not
    /// answer is asked again later.
    async fn load_values(&self) {
        let mut entries = self.ledger.open_entries();
        entries.retain(|entry| self.to_load().contains(&entry.nonce));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.valid_to));
        for entry in entries {
            let (secrets, name) = (Arc::clone(&self.secrets), value_name(&entry.nonce));
            let Ok(value) = blocking(move || secrets.get(&name)).await else { return };
            let purpose = Purpose::of_scope(&entry.scope);
            let signed_in = self.accounts.find(&entry.account).is_some_and(|account| !account.leaving);
            let still_wanted = self.to_load().remove(&entry.nonce);
            let kept = match (value, purpose) {
                (Some(secret), Some(purpose)) if signed_in && still_wanted => {
                    let name = KeyName {
                        account: entry.account.clone(),
                        organisation: entry.organisation.clone(),
                        purpose,
                    };
                    let mut table = self.table();
                    let slot = table.slot(&name);
                    let free = slot.key.is_none();
                    if free {
                        slot.key = Some(Arc::new(Key::new(entry.clone(), secret, self.moment())));
                    }
                    free
                }
                _ => false,
            };
            if !kept {
                self.supersede(&entry, None).await;
            }
        }
    }

    /// Goes through the ledger: strikes off what is over, finds what was lost, revokes what is not wanted.
    async fn settle(&self) {
        let (service, now) = (self.live().settings.service(), self.moment());
        self.table().slots.values_mut().for_each(|slot| {
            slot.key.take_if(|key| key.left(now) == 0);
        });
        // In this order: what is open and has landed was in the table before.
        let open = self.ledger.open_entries();
        let held: HashSet<String> = self.table().keys().map(|key| key.state().to_owned()).collect();
        let to_load = self.to_load().clone();
        let mut lost: BTreeMap<(String, String), Vec<Entry>> = BTreeMap::new();
        for entry in open {
            if held.contains(&entry.nonce) {
                continue;
            }
            if now.wall >= entry.valid_to.saturating_add(MARGIN) {
                self.to_load().remove(&entry.nonce);
                self.close(&entry, State::Expired).await;
                continue;
            }
            let over = now.wall >= entry.valid_to;
            let elsewhere = entry.service != service;
            if over
                || elsewhere
                || to_load.contains(&entry.nonce)
                || !self.ledger.is_due(&entry.nonce, now.monotonic)
            {
                continue;
            }
            if entry.person.is_some() && entry.state != State::Posting {
                self.recover_pat(&entry).await;
                continue;
            }
            match entry.state {
                State::Posting => {
                    lost.entry((entry.account.clone(), entry.organisation.clone())).or_default().push(entry);
                }
                State::Minted | State::Superseded => {
                    let _ = self.revoke_entry(&entry).await;
                }
                _ => {}
            }
        }
        for ((account, organisation), entries) in lost {
            let _ = self.find_lost(&account, &organisation, &entries).await;
        }
    }

    /// Looks for keys whose answer was lost, by their nonce, and revokes what is found. Names with other nonces, and
    /// so the keys of other machines, are not touched. Tells the fate of each entry.
    pub(crate) async fn find_lost(
        &self,
        account: &str,
        organisation: &str,
        entries: &[Entry],
    ) -> Result<Vec<Fate>, Failure> {
        let listed = self.list(account, organisation).await;
        if let Err(failure) = &listed {
            tracing::debug!(reason = ?failure.refusal.reason, "keys could not be listed");
        }
        let mut fates = Vec::new();
        for entry in entries {
            let Ok(listed) = &listed else {
                self.ledger.put_off(&entry.nonce, self.clock.monotonic(), RETRY);
                continue;
            };
            let found: Vec<&ListedKey> =
                listed.iter().filter(|key| entry.is_named(&key.display_name)).collect();
            let old = self.clock.now().saturating_sub(entry.created_at) >= LOST_AFTER;
            for twin in found.iter().skip(1) {
                let id = Some(twin.authorization_id.clone());
                let _ = self.delete(&Entry { authorization_id: id, ..entry.clone() }).await;
            }
            fates.push(match found.first() {
                Some(key) => {
                    let (nonce, id) = (entry.nonce.clone(), key.authorization_id.clone());
                    let entry = Entry { authorization_id: Some(id.clone()), ..entry.clone() };
                    self.on_ledger(move |ledger| {
                        ledger.change(&nonce, |entry| {
                            entry.state = State::Superseded;
                            entry.authorization_id = Some(id);
                        });
                    })
                    .await;
                    self.revoke_entry(&entry).await.map_or_else(Fate::Alive, |()| Fate::Revoked)
                }
                None if old => {
                    self.close(entry, State::Void).await;
                    Fate::NeverMade
                }
                None => {
                    self.ledger.put_off(&entry.nonce, self.clock.monotonic(), SETTLING);
                    Fate::Unseen
                }
            });
        }
        listed.map(|_| fates)
    }

    async fn list(&self, account: &str, organisation: &str) -> Result<Vec<ListedKey>, Failure> {
        let account = self.owner(account, organisation)?;
        self.with_token(&account, organisation, |live, bearer| async move {
            live.services.pats.list(organisation, &bearer).await
        })
        .await
    }

    pub(crate) fn owner(&self, account: &str, organisation: &str) -> Result<Account, Failure> {
        self.accounts.find(account).ok_or_else(|| signed_out(organisation).into())
    }

    /// Revokes one key and strikes it off; what fails stays and waits longer each time.
    pub(crate) async fn revoke_entry(&self, entry: &Entry) -> Result<(), Failure> {
        let went = self.delete(entry).await;
        match &went {
            Ok(()) => {
                let username = self.accounts.find(&entry.account).map(|account| account.username);
                self.record("revoked")
                    .of_key(entry, username.as_deref().unwrap_or_default())
                    .write(&*self.audit);
                self.close(entry, State::Revoked).await;
            }
            Err(_) => self.ledger.put_off(&entry.nonce, self.clock.monotonic(), RETRY),
        }
        went
    }

    async fn delete(&self, entry: &Entry) -> Result<(), Failure> {
        let Some(id) = entry.authorization_id.as_deref() else {
            let refusal = Refusal::new(Reason::Internal, "a key on the ledger has no id", "");
            return Err(Failure::new(FailureKind::Final, refusal));
        };
        let account = self.owner(&entry.account, &entry.organisation)?;
        let organisation = entry.organisation.as_str();
        self.with_token(&account, organisation, |live, bearer| async move {
            live.services.pats.revoke(organisation, &bearer, id).await
        })
        .await
    }

    pub(crate) async fn close(&self, entry: &Entry, state: State) {
        let name =
            if entry.person.is_some() { pat_value_name(&entry.nonce) } else { value_name(&entry.nonce) };
        let nonce = entry.nonce.clone();
        self.on_ledger(move |ledger| ledger.change(&nonce, |entry| entry.state = state)).await;
        if !matches!(state, State::Void | State::Given) {
            let secrets = Arc::clone(&self.secrets);
            let _ = blocking(move || secrets.delete(&name)).await;
        }
    }
}
