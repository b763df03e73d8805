//! Every key ever asked for, written before it is asked for.
//!
//! One line of JSON a change, each the whole entry, so that the last line of a nonce counts. A line is on the disk
//! before the step it announces is taken; an entry leaves the file only when the key is known to be dead. A key's
//! value is never here. All functions block on the disk.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use valetkey_protocol::Caller;

mod file;

use file::LedgerFile;

/// What is known about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is being asked for, or was when the agent ended: it may exist.
    Posting,
    /// It exists and is in use.
    Minted,
    /// It exists, is not wanted any more and has to be revoked.
    Superseded,
    /// A token of the person exists, and its value has not left the agent.
    Made,
    /// Its value has left the agent, and nobody has said yet that it has reached its place.
    Handing,
    /// It is in its place; what it replaces has to be revoked.
    Handed,
    /// Its value is in the vault.
    Kept,
    /// It is the person's own, and no business of ours any more.
    Given,
    /// It was revoked.
    Revoked,
    /// It was never made.
    Void,
    /// Its time is over.
    Expired,
    /// A state of a later version: left alone.
    #[serde(other)]
    Unknown,
}

impl State {
    /// Whether nothing is left to do.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Given | Self::Revoked | Self::Void | Self::Expired)
    }
}

/// One key on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The random part of the key's name; what it is found by.
    pub nonce: String,
    /// What is known.
    pub state: State,
    /// Account whose key it is.
    pub account: String,
    /// Organisation it is good for.
    pub organisation: String,
    /// Its scope.
    pub scope: String,
    /// Its name at the service.
    pub name: String,
    /// Host and port it was asked for at.
    pub service: String,
    /// When it was asked for, in seconds since 1970.
    pub created_at: u64,
    /// Its end: as wished while posting, as given afterwards.
    pub valid_to: u64,
    /// Its id at the service, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// What else there is to know where it is a token of the person and no key of the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
}

/// A token that a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What it is to be called once the nonce has done its duty.
    pub title: String,
    /// Ids of the tokens that die when its value has reached its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
    /// The name its value is kept under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// The process that is to hand its value on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
}

impl Entry {
    /// The short id people see.
    pub fn id(&self) -> &str {
        self.nonce.get(..8).unwrap_or(&self.nonce)
    }

    /// Whether a listed key is this one: the nonce is a word of its name. What a person wrote around it does not count.
    pub fn is_named(&self, display_name: &str) -> bool {
        !self.nonce.is_empty()
            && display_name.split(|c: char| !c.is_alphanumeric()).any(|word| word == self.nonce)
    }

    /// Whether there is something left to do for it that nobody waits for.
    pub fn is_to_revoke(&self) -> bool {
        match (self.state, &self.person) {
            (State::Posting | State::Superseded, _) | (State::Minted, None) => true,
            (State::Handed | State::Kept, Some(person)) => !person.replaces.is_empty(),
            _ => false,
        }
    }
}

/// The ledger could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the ledger `{}` cannot be used", path.display())]
pub struct LedgerError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// When a pending revocation is tried again.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    tries: u32,
    until: Duration,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: LedgerFile,
    entries: BTreeMap<String, Entry>,
    /// Nonces whose POST is in flight in this process: no business of the sweep.
    in_flight: HashSet<String>,
    /// Lines that are true but could not be written.
    unwritten: HashSet<String>,
    waiting: BTreeMap<String, Waiting>,
    /// How tokens of the person ended, for whoever asks a second time.
    ended: BTreeMap<String, State>,
    loaded: bool,
}

impl Ledger {
    /// A ledger at a path. Nothing is read before it is needed.
    pub fn at(path: PathBuf) -> Self {
        Self {
            inner: Mutex::new(Inner {
                file: LedgerFile::at(path),
                entries: BTreeMap::new(),
                in_flight: HashSet::new(),
                unwritten: HashSet::new(),
                waiting: BTreeMap::new(),
                ended: BTreeMap::new(),
                loaded: false,
            }),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file, once, and drops closed entries from it.
    pub fn load(&self) -> Result<(), LedgerError> {
        self.inner().load()
    }

    /// Writes that a key will be asked for. Nothing may be asked for if this fails.
    pub fn begin(&self, entry: Entry) -> Result<(), LedgerError> {
        let mut inner = self.inner();
        inner.load()?;
        inner.restore()?;
        inner.flush()?;
        inner.file.append(&entry)?;
        inner.in_flight.insert(entry.nonce.clone());
        inner.entries.insert(entry.nonce.clone(), entry);
        Ok(())
    }

    /// Writes what became of a key. If the disk refuses, it is remembered and written later: what the file says is
    /// then out of date in the safe direction, since it makes the next start look for a key that is gone.
    pub fn change(&self, nonce: &str, change: impl FnOnce(&mut Entry)) {
        let mut inner = self.inner();
        let Some(entry) = inner.entries.get_mut(nonce) else { return };
        change(entry);
        let entry = entry.clone();
        if entry.state.is_closed() {
            inner.waiting.remove(nonce);
            inner.note_end(&entry);
        }
        if inner.restore().is_err() || inner.flush().is_err() || inner.file.append(&entry).is_err() {
            inner.unwritten.insert(nonce.to_owned());
        } else if entry.state.is_closed() {
            inner.entries.remove(nonce);
            let _ = inner.compact_if_long();
        }
    }

    /// Writes the next step of an entry, and changes nothing where the disk refuses.
    pub fn advance(&self, entry: Entry) -> Result<(), LedgerError> {
        let mut inner = self.inner();
        inner.restore()?;
        inner.flush()?;
        inner.file.append(&entry)?;
        inner.entries.insert(entry.nonce.clone(), entry);
        Ok(())
    }

    /// The POST of this nonce is over in this process, whatever came of it.
    pub fn landed(&self, nonce: &str) {
        self.inner().in_flight.remove(nonce);
    }

    /// Entries that are not closed and whose POST is not in flight.
    pub fn open_entries(&self) -> Vec<Entry> {
        let inner = self.inner();
        let open = |entry: &&Entry| !entry.state.is_closed() && !inner.in_flight.contains(&entry.nonce);
        inner.entries.values().filter(open).cloned().collect()
    }

    /// Entries that are not closed, in flight or not.
    pub fn not_closed(&self) -> Vec<Entry> {
        self.inner().entries.values().filter(|entry| !entry.state.is_closed()).cloned().collect()
    }

    /// The entry of a nonce, unless it is closed.
    pub fn find(&self, nonce: &str) -> Option<Entry> {
        self.inner().entries.get(nonce).filter(|entry| !entry.state.is_closed()).cloned()
    }

    /// The entry of a key by its id at the service, unless it is closed.
    pub fn by_id(&self, authorization_id: &str) -> Option<Entry> {
        let same = |entry: &&Entry| {
            entry.authorization_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(authorization_id))
        };
        self.inner().entries.values().filter(same).find(|entry| !entry.state.is_closed()).cloned()
    }

    /// How a token of the person ended, as far as that is still known.
    pub fn ended(&self, nonce: &str) -> Option<State> {
        self.inner().ended.get(nonce).copied()
    }

    /// Whether any key of the account is not known to be dead, in flight or not.
    pub fn concerns(&self, account: &str) -> bool {
        let inner = self.inner();
        inner.entries.values().any(|entry| entry.account == account && !entry.state.is_closed())
    }

    /// Whether a pending entry may be tried now, by the monotonic clock.
    pub fn is_due(&self, nonce: &str, now: Duration) -> bool {
        self.inner().waiting.get(nonce).is_none_or(|waiting| now >= waiting.until)
    }

    /// Puts the next try off: the first time by `base`, then twice as long each time, an hour at most.
    pub fn put_off(&self, nonce: &str, now: Duration, base: Duration) {
        let mut inner = self.inner();
        let waiting = inner.waiting.entry(nonce.to_owned()).or_default();
        let delay = base.saturating_mul(1 << waiting.tries.min(12)).min(Duration::from_secs(3600));
        waiting.tries = waiting.tries.saturating_add(1);
        waiting.until = now + delay;
    }

    /// When, by the monotonic clock, the next entry that was put off may be tried.
    pub fn next_due(&self) -> Option<Duration> {
        let inner = self.inner();
        let waiting = inner.waiting.iter().filter(|(nonce, _)| inner.entries.contains_key(*nonce));
        waiting.map(|(_, waiting)| waiting.until).min()
    }

    /// Lines of the file that could not be understood.
    pub fn skipped_lines(&self) -> usize {
        self.inner().file.skipped()
    }
}

impl Inner {
    fn load(&mut self) -> Result<(), LedgerError> {
        if self.loaded {
            return Ok(());
        }
        let (entries, spare) = self.file.read()?;
        for entry in entries {
            if entry.state.is_closed() {
                self.note_end(&entry);
            } else {
                self.entries.insert(entry.nonce.clone(), entry);
            }
        }
        self.loaded = true;
        if spare > 0 {
            self.file.replace(self.entries.values())?;
        }
        Ok(())
    }

    fn note_end(&mut self, entry: &Entry) {
        const REMEMBERED: usize = 100;
        if entry.person.is_some() {
            self.ended.insert(entry.nonce.clone(), entry.state);
            while self.ended.len() > REMEMBERED {
                self.ended.pop_first();
            }
        }
    }

    /// Writes everything anew where the file was taken away under us: a line in a file without a name helps nobody
    /// after a crash.
    fn restore(&mut self) -> Result<(), LedgerError> {
        if self.file.is_astray() { self.file.replace(self.entries.values()) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        let nonces: Vec<String> = self.unwritten.iter().cloned().collect();
        for nonce in nonces {
            if let Some(entry) = self.entries.get(&nonce) {
                self.file.append(entry)?;
                if entry.state.is_closed() {
                    self.entries.remove(&nonce);
                }
            }
            self.unwritten.remove(&nonce);
        }
        Ok(())
    }

    fn compact_if_long(&mut self) -> Result<(), LedgerError> {
        if self.file.lines() > 200 + 4 * self.entries.len() {
            self.file.replace(self.entries.values())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
