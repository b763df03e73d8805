//! What the ledger says of tokens that were being made when the agent or its client ended.

use valetkey_protocol::shown;

use super::caller::is_running;
use crate::{
    Broker, Peer,
    ledger::{Entry, Person, State},
};

impl Broker {
    /// Finishes or undoes what can be, before something new is begun.
    pub(super) async fn recover_pats(&self) {
        let service = self.live().settings.service();
        for entry in self.ledger.open_entries() {
            if entry.person.is_some() && entry.service == service {
                self.recover_pat(&entry).await;
            }
        }
    }

    /// One step of one token, whose turn it is:
    ///
    /// - nobody has taken its value: it is revoked when the process that was to take it, or the agent, has ended;
    /// - its value was taken and nobody said where it is: revoked where it replaces nothing. Else its place may hold
    ///   it, and that of the old one no more: both live on;
    /// - it is in its place: what it replaces dies.
    pub(crate) async fn recover_pat(&self, entry: &Entry) {
        let Some(person) = &entry.person else { return };
        let gone = !is_running(person.caller);
        match entry.state {
            State::Made if gone || !self.making.values().contains_key(&entry.nonce) => {
                self.making.values().remove(&entry.nonce);
                self.undo_pat(entry, &Peer::default()).await;
            }
            State::Handing if gone && person.replaces.is_empty() => {
                self.undo_pat(entry, &Peer::default()).await;
            }
            State::Handed => drop(self.finish_pat(entry, &Peer::default()).await),
            State::Kept if !person.replaces.is_empty() || person.title != entry.name => {
                self.finish_pat(entry, &Peer::default()).await;
            }
            State::Superseded => drop(self.revoke_entry(entry).await),
            _ => {}
        }
    }

    /// One line for each token of which nobody knows whether its value has reached its place.
    pub(crate) fn unsettled_pats(&self) -> Vec<String> {
        let lost = |person: &Person| !person.replaces.is_empty() && !is_running(person.caller);
        let entries = self.ledger.not_closed().into_iter();
        entries
            .filter(|entry| entry.state == State::Handing)
            .filter_map(|entry| {
                let person = entry.person.as_ref().filter(|person| lost(person))?;
                let (title, organisation) = (shown(&person.title), &entry.organisation);
                Some(format!(
                    "regenerating the token `{title}` of `{organisation}` was broken off, and both live: run \
                     `valetkey pat regenerate --org {organisation} '{title}'` again"
                ))
            })
            .collect()
    }
}
