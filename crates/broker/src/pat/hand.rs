//! From the agent to its place: taking a value, and what becomes of the tokens it replaces.

use std::sync::Arc;

use valetkey_protocol::{PatChange, PatSettled, PatValue, Reason, Refusal};

use super::status_of_entry;
use crate::{
    Broker, Failure, FailureKind, Peer,
    audit::Filled as _,
    ledger::{Entry, State},
    sweep::RETRY,
};

impl Broker {
    /// The value, once. From here on it may have reached its place, whatever else happens.
    pub(super) async fn take_pat(self: &Arc<Self>, ticket: &str, peer: &Peer) -> Result<PatValue, Failure> {
        let entry = self.ledger.find(ticket).filter(|entry| entry.state == State::Made);
        let (Some(entry), Some(secret)) = (entry, self.making.values().remove(ticket)) else {
            return Err(void().into());
        };
        match self.advance(&entry, State::Handing).await {
            Ok(entry) => {
                self.record("pat-handed-out").of_pat(&entry, self).by(peer).write(&*self.audit);
                Ok(PatValue { pat: status_of_entry(&entry), secret })
            }
            Err(refusal) => {
                self.supersede(&entry, None).await;
                let _ = self.revoke_entry(&entry).await;
                Err(refusal.into())
            }
        }
    }

    /// The value has reached its place, or has not.
    pub(super) async fn settle_pat(
        self: &Arc<Self>,
        ticket: &str,
        delivered: bool,
        peer: &Peer,
    ) -> Result<PatSettled, Failure> {
        let Some(entry) = self.ledger.find(ticket) else {
            // The answer to the same question was lost, and the ledger has closed the matter since.
            return match (self.ledger.ended(ticket), delivered) {
                (Some(State::Given), true) | (Some(State::Revoked), false) => Ok(PatSettled::default()),
                _ => Err(void().into()),
            };
        };
        self.making.values().remove(ticket);
        match (entry.state, delivered) {
            (State::Handing, true) => {
                let entry = Entry { state: State::Handed, ..entry };
                let handed = entry.clone();
                self.on_ledger(move |ledger| ledger.change(&handed.nonce.clone(), |entry| *entry = handed))
                    .await;
                self.record("pat-delivered").of_pat(&entry, self).by(peer).write(&*self.audit);
                Ok(self.finish_pat(&entry, peer).await)
            }
            (State::Handed, true) => Ok(self.finish_pat(&entry, peer).await),
            (State::Made | State::Handing, false) => Ok(self.undo_pat(&entry, peer).await),
            _ => Err(void().into()),
        }
    }

    /// Revokes a token that did not reach its place.
    pub(super) async fn undo_pat(&self, entry: &Entry, peer: &Peer) -> PatSettled {
        self.supersede(entry, None).await;
        self.record("pat-undone").of_pat(entry, self).by(peer).write(&*self.audit);
        match self.revoke_entry(entry).await {
            Ok(()) => PatSettled { revoked: 1, ..PatSettled::default() },
            Err(failure) => PatSettled { revoked: 0, pending: 1, sentence: failure.refusal.sentence },
        }
    }

    /// Revokes what a token that has reached its place replaces, and gives it its own name. What fails is tried again.
    pub(crate) async fn finish_pat(&self, entry: &Entry, peer: &Peer) -> PatSettled {
        let mut settled = PatSettled::default();
        let Some(person) = &entry.person else { return settled };
        let account = match self.owner(&entry.account, &entry.organisation) {
            Ok(account) => account,
            Err(failure) => return self.later(entry, settled, failure),
        };
        for id in &person.replaces {
            if let Err(failure) = self.delete_pat(&account, &entry.organisation, id).await {
                settled.pending += 1;
                settled.sentence = failure.refusal.sentence;
                continue;
            }
            settled.revoked += 1;
            if let Some(old) = self.ledger.by_id(id) {
                self.close(&old, State::Revoked).await;
            }
            self.note("pat-revoked", &account, &entry.organisation, id).by(peer).write(&*self.audit);
        }
        if settled.pending > 0 {
            self.ledger.put_off(&entry.nonce, self.clock.monotonic(), RETRY);
            return settled;
        }
        if let Err(failure) = self.rename_pat(entry).await
            && failure.kind == FailureKind::Transient
        {
            return self.later(entry, settled, failure);
        }
        if entry.state == State::Kept {
            let nonce = entry.nonce.clone();
            self.on_ledger(move |ledger| {
                ledger.change(&nonce, |entry| {
                    if let Some(person) = &mut entry.person {
                        person.replaces.clear();
                        entry.name.clone_from(&person.title);
                    }
                });
            })
            .await;
        } else {
            self.close(entry, State::Given).await;
        }
        settled
    }

    /// Not done yet, for a reason that is none of the tokens'.
    fn later(&self, entry: &Entry, mut settled: PatSettled, failure: Failure) -> PatSettled {
        self.ledger.put_off(&entry.nonce, self.clock.monotonic(), RETRY);
        let replaces = entry.person.as_ref().map_or(0, |person| person.replaces.len());
        settled.pending = u32::try_from(replaces).unwrap_or(u32::MAX).saturating_sub(settled.revoked);
        settled.sentence = failure.refusal.sentence;
        settled
    }

    /// The nonce has done its duty: it goes from the name. A token that the person has renamed since keeps that name.
    async fn rename_pat(&self, entry: &Entry) -> Result<(), Failure> {
        let (Some(person), Some(id)) = (&entry.person, &entry.authorization_id) else { return Ok(()) };
        if person.title == entry.name {
            return Ok(());
        }
        let account = self.owner(&entry.account, &entry.organisation)?;
        let organisation = &entry.organisation;
        match self.look_up(&account, organisation, id).await {
            Ok(facts) if facts.display_name == entry.name => {}
            Ok(_) => return Ok(()),
            Err(failure) => return Err(failure),
        }
        let change = PatChange {
            organisation: None,
            id: id.clone(),
            name: Some(person.title.clone()),
            scope: None,
            expires_at: None,
        };
        self.with_token(&account, organisation, |live, bearer| {
            let change = &change;
            async move { live.services.pats.update(organisation, &bearer, change).await }
        })
        .await
        .map(drop)
    }
}

fn void() -> Refusal {
    Refusal::new(
        Reason::BadRequest,
        "this token is not waiting for anybody any more: it was revoked, or its value was given out",
        "run the command again",
    )
}
