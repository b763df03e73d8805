//! Tokens whose values are in the vault.

use std::sync::Arc;

use valetkey_protocol::{PatValue, Pats, Reason, Refusal, shown};

use super::status_of_entry;
use crate::{
    Broker, Failure, Peer,
    audit::Filled as _,
    ledger::{Entry, State},
    session::blocking,
};

/// Longest name.
const LONGEST: usize = 64;

impl Broker {
    pub(super) fn kept_pats(&self) -> Pats {
        let service = self.live().settings.service();
        let mut kept = self.ledger.not_closed();
        kept.retain(|entry| entry.state == State::Kept && entry.service == service);
        Pats { pats: kept.iter().map(status_of_entry).collect(), next: None }
    }

    /// The token that is kept under a name: the newest, where an older one waits to be revoked.
    pub(super) fn kept_entry(&self, name: &str) -> Option<Entry> {
        let service = self.live().settings.service();
        let named =
            |entry: &Entry| entry.person.as_ref().and_then(|person| person.keep.as_deref()) == Some(name);
        let kept = self.ledger.not_closed().into_iter();
        kept.filter(|entry| entry.state == State::Kept && entry.service == service && named(entry))
            .max_by_key(|entry| (!replaces(entry).is_empty(), entry.created_at))
    }

    pub(super) async fn use_pat(&self, name: &str, peer: &Peer) -> Result<PatValue, Failure> {
        let Some(entry) = self.kept_entry(name) else {
            let sentence = format!("no token is kept under `{}`", shown(name));
            return Err(
                Refusal::new(Reason::BadRequest, sentence, "`valetkey pat kept` shows the names").into()
            );
        };
        if entry.valid_to <= self.clock.now() {
            let sentence = format!("the token kept under `{}` has expired", shown(name));
            let hint = format!("run `valetkey pat regenerate {}`", shown(name));
            return Err(Refusal::new(Reason::BadRequest, sentence, hint).into());
        }
        let (secrets, value) = (Arc::clone(&self.secrets), value_name(&entry.nonce));
        let Some(secret) = blocking(move || secrets.get(&value)).await? else {
            let sentence = format!("the vault has lost the token kept under `{}`", shown(name));
            let hint = format!("run `valetkey pat regenerate {}`", shown(name));
            return Err(Refusal::new(Reason::VaultUnavailable, sentence, hint).into());
        };
        self.record("pat-handed-out").of_pat(&entry, self).by(peer).write(&*self.audit);
        Ok(PatValue { pat: status_of_entry(&entry), secret })
    }
}

fn replaces(entry: &Entry) -> &[String] {
    entry.person.as_ref().map_or(&[], |person| &person.replaces)
}

/// Name of a kept value in the vault.
pub(crate) fn value_name(nonce: &str) -> String {
    format!("pat/{nonce}")
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !name.starts_with('-')
}
