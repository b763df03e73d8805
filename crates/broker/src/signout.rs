//! Taking back: revoke, sign out, lock.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use valetkey_protocol::{
    Answer, EndingKey, Issuer, KeySelector, LogoutRequest, Reason, Refusal, Revoked, SecretString,
    TokenSource, shown,
};

use crate::{
    Broker, Failure, FailureKind, Peer,
    accounts::Account,
    audit::Filled as _,
    choice,
    keys::Key,
    ledger::{Entry, State},
    session::blocking,
    sweep::Fate,
};

/// Longest a lock waits for answers that are being written.
const DRAIN: Duration = Duration::from_secs(6);
/// Longest signing out waits for keys that are being minted.
const LANDING: Duration = Duration::from_secs(10);

/// What is to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Keys that the agent hands out.
    Keys,
    /// Whatever the agent holds: tokens that are kept for the person too.
    All,
}

/// How revoking many keys went.
#[derive(Debug, Default)]
struct Outcome {
    revoked: u32,
    pending: u32,
    /// Asked for, not listed, and perhaps never made.
    sought: u32,
    why: Option<Refusal>,
    /// Trying again later cannot help: there is nothing left to revoke with.
    hopeless: bool,
    /// Those that nobody can revoke.
    ending: Vec<EndingKey>,
    /// Of tokens that live on.
    left: Vec<String>,
    /// Why a session is still in the vault.
    kept: Option<Refusal>,
}

impl Broker {
    /// Revokes keys: held ones, pending ones and lost ones.
    pub async fn revoke(&self, which: &KeySelector, peer: &Peer) -> Answer {
        let organisation = match which {
            KeySelector::Organisation { organisation } => organisation.to_ascii_lowercase(),
            _ => String::new(),
        };
        let outcome = self
            .revoke_chosen(Whose::Keys, |entry| match which {
                KeySelector::All => true,
                KeySelector::Id { id } => entry.id() == id,
                KeySelector::Organisation { .. } => entry.organisation == organisation,
                _ => false,
            })
            .await;
        self.record("revoke").noting(format!("{} revoked", outcome.revoked)).by(peer).write(&*self.audit);
        outcome.answer()
    }

    async fn revoke_chosen(&self, whose: Whose, chosen: impl Fn(&Entry) -> bool) -> Outcome {
        // The sweep would revoke the same keys alongside. One that waits for a silent service is not waited for.
        let _alone = tokio::time::timeout(LANDING, self.tending.lock()).await;
        let let_go = self.table().take(|key| chosen(&key.entry));
        self.breakers.try_now();
        let service = self.live().settings.service();
        let mut outcome = Outcome { ending: self.that_end(&let_go), ..Outcome::default() };
        for entry in self.ledger.open_entries() {
            if entry.service != service || entry.state == State::Unknown || !chosen(&entry) {
                continue;
            }
            if entry.person.is_some() && whose == Whose::Keys {
                continue;
            }
            if entry.person.as_ref().is_some_and(|person| !person.replaces.is_empty())
                && matches!(entry.state, State::Handing | State::Handed)
            {
                self.let_go_of_both(&entry, &mut outcome).await;
                continue;
            }
            self.to_load().remove(&entry.nonce);
            if entry.state == State::Posting {
                let one = std::slice::from_ref(&entry);
                match self.find_lost(&entry.account, &entry.organisation, one).await {
                    Ok(fates) => fates.into_iter().for_each(|fate| outcome.count(fate)),
                    Err(failure) => outcome.fail(failure),
                }
            } else {
                self.supersede(&entry, None).await;
                let went = self.revoke_entry(&entry).await;
                outcome.count(went.map_or_else(Fate::Alive, |()| Fate::Revoked));
            }
        }
        outcome
    }

    /// A token that was being put in another's place. Where it has arrived, the old one dies. Else it may be there, and the
    /// old one's value nowhere: both are the person's from now on.
    async fn let_go_of_both(&self, entry: &Entry, outcome: &mut Outcome) {
        if entry.state == State::Handed {
            let settled = self.finish_pat(entry, &Peer::default()).await;
            outcome.revoked += settled.revoked;
            if settled.pending == 0 {
                return;
            }
        }
        self.close(entry, State::Given).await;
        let title = entry.person.as_ref().map_or(entry.name.as_str(), |person| &person.title);
        outcome.left.push(format!(
            "regenerating the token `{}` of `{}` was not over: the old one and the new one both live",
            shown(title),
            entry.organisation
        ));
    }

    /// Keys that are on no ledger, because the service has no way to revoke them.
    fn that_end(&self, keys: &[Arc<Key>]) -> Vec<EndingKey> {
        let now = self.moment();
        let ends = |key: &&Arc<Key>| key.issuer != Issuer::Pat && key.left(now) > 0;
        let told = |key: &Arc<Key>| EndingKey {
            issuer: key.issuer,
            organisation: key.entry.organisation.clone(),
            expires_at: key.entry.valid_to,
        };
        keys.iter().filter(ends).map(told).collect()
    }

    /// Signs out: revokes every key of the account, then forgets the session.
    ///
    /// If keys could not be revoked for now, or one that was asked for and may never have been made is still looked
    /// for, the account hands out nothing any more and its session is kept for that one purpose, then deleted. If the
    /// session itself is dead, it is deleted at once and the keys end by themselves.
    pub async fn logout(&self, request: &LogoutRequest, peer: &Peer) -> Answer {
        let accounts = match &request.account {
            Some(name) => self.accounts.meant(name),
            None => self.accounts.snapshot(),
        };
        if accounts.is_empty() {
            let sentence = match &request.account {
                Some(name) => choice::not_here(name, &self.accounts.snapshot()),
                None => "nobody is signed in".to_owned(),
            };
            return Answer::Refused(Refusal::new(
                Reason::NeedsLogin,
                sentence,
                "see `valetkey account list`",
            ));
        }
        let mut total = Outcome::default();
        for account in accounts {
            self.set_leaving(&account.id, true).await;
            self.forget_proof(&account);
            self.all_landed(LANDING).await;
            let outcome = self.revoke_chosen(Whose::All, |entry| entry.account == account.id).await;
            if outcome.hopeless || !self.ledger.concerns(&account.id) {
                total.kept = self.drop_account(&account).await.err().or(total.kept);
            }
            self.record("signed-out").of_account(&account.username).by(peer).write(&*self.audit);
            total.add(outcome);
        }
        total.answer()
    }

    /// What a job lent goes at once: nothing was made with it that would have to be revoked.
    fn forget_proof(&self, account: &Account) {
        if let Some(TokenSource::Machine(machine)) = &account.source {
            self.drop_proof(machine);
        }
    }

    async fn set_leaving(&self, id: &str, leaving: bool) {
        let id = id.to_owned();
        self.change_accounts(move |state| {
            state
                .accounts
                .iter_mut()
                .filter(|known| known.id == id)
                .for_each(|known| known.leaving = leaving);
        })
        .await;
    }

    /// An account whose session the vault does not let go stays as one that is leaving, and this is tried again.
    async fn drop_account(&self, account: &Account) -> Result<(), Refusal> {
        if let Err(refusal) = self.sessions.end(&account.id).await {
            tracing::warn!(sentence = refusal.sentence, "a session could not be deleted from the vault");
            return Err(refusal);
        }
        let id = account.id.clone();
        self.change_accounts(move |state| {
            state.accounts.retain(|known| known.id != id);
            state.usual.retain(|_, usual| *usual != id);
        })
        .await;
        self.forget_detours_of(&account.id).await;
        Ok(())
    }

    /// Drops accounts that only waited for their last keys to be revoked.
    pub(crate) async fn finish_leaving(&self) {
        for account in self.accounts.snapshot().into_iter().filter(|account| account.leaving) {
            if !self.ledger.concerns(&account.id) {
                let _ = self.drop_account(&account).await;
            }
        }
    }

    /// Hands out nothing any more, also after a restart. When this returns no answer with a key is on its way, as far
    /// as [`crate::Pass`]es are held while answers are written. A vault that opens with a passphrase is closed as well.
    pub async fn lock(&self, revoke: bool, peer: &Peer) -> Answer {
        self.locked.store(true, Ordering::SeqCst);
        drop(tokio::time::timeout(DRAIN, self.gate.write()).await);
        self.change_accounts(|state| state.locked = true).await;
        self.record("locked").by(peer).write(&*self.audit);
        let answer =
            if revoke { self.revoke_chosen(Whose::All, |_| true).await.answer() } else { Answer::Done };
        self.sessions.forget_access().await;
        // Last: revoking needs the session, which rests there.
        let secrets = Arc::clone(&self.secrets);
        if let Err(refusal) = blocking(move || secrets.lock()).await {
            tracing::warn!(sentence = refusal.sentence, "the vault could not be locked");
        }
        answer
    }

    /// Goes on handing out keys. A passphrase opens the sealed file first; a wrong one leaves the lock on.
    pub async fn unlock(&self, passphrase: Option<SecretString>, peer: &Peer) -> Answer {
        if let Some(passphrase) = passphrase {
            let secrets = Arc::clone(&self.secrets);
            if let Err(refusal) = blocking(move || secrets.unlock(&passphrase)).await {
                self.record("refused").because(&refusal).by(peer).write(&*self.audit);
                return Answer::Refused(refusal);
            }
        }
        self.change_accounts(|state| state.locked = false).await;
        self.locked.store(false, Ordering::SeqCst);
        self.record("unlocked").by(peer).write(&*self.audit);
        self.wake.notify_one();
        Answer::Done
    }
}

impl Outcome {
    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Revoked => self.revoked += 1,
            Fate::Alive(failure) => self.fail(failure),
            Fate::NeverMade => {}
            Fate::Unseen => self.sought += 1,
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.pending += 1;
        self.hopeless = failure.kind == FailureKind::SessionEnded;
        self.why = Some(failure.refusal);
    }

    fn add(&mut self, other: Self) {
        self.revoked += other.revoked;
        self.pending += other.pending;
        self.sought += other.sought;
        self.ending.extend(other.ending);
        self.left.extend(other.left);
        self.why = other.why.or(self.why.take());
        self.hopeless |= other.hopeless;
        self.kept = other.kept.or(self.kept.take());
    }

    fn answer(self) -> Answer {
        let sentence = match (self.why, self.pending) {
            (_, 0) => self.kept.map_or_else(String::new, |why| {
                format!("the session could not be deleted: {}; this is tried again", why.sentence)
            }),
            (Some(why), _) if self.hopeless => format!("{}; the keys end by themselves", why.sentence),
            (Some(why), _) => format!("{}; this is tried again", why.sentence),
            (None, _) => "this is tried again".to_owned(),
        };
        Answer::Revoked(Revoked {
            revoked: self.revoked,
            pending: self.pending,
            sentence,
            sought: self.sought,
            ending: self.ending,
            left: self.left,
        })
    }
}
