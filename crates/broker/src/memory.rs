//! What would be found out again at some cost, kept beyond the agent's end.
//!
//! The file may be lost or damaged at any time: that costs one more question to a service, or one more notification, and
//! nothing else. So it is apart from the accounts, and a failure to read or write it is nobody's concern.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use valetkey_protocol::{Issuer, Reason, Refusal};

/// More is not ours, in bytes.
const LONGEST: u64 = 1 << 20;

/// Another kind of key than the usual one, and until when, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptDetour {
    /// The services it was taken at.
    pub(crate) service: String,
    pub(crate) account: String,
    pub(crate) organisation: String,
    pub(crate) scope: String,
    pub(crate) issuer: Issuer,
    pub(crate) refusal: Refusal,
    pub(crate) until: u64,
}

/// Somebody was called, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Summoned {
    account: String,
    reason: Reason,
    at: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    detours: Vec<KeptDetour>,
    summoned: Vec<Summoned>,
}

/// The file and what is in it.
#[derive(Debug)]
pub(crate) struct Memory {
    path: PathBuf,
    kept: Mutex<Kept>,
    writing: Mutex<()>,
}

impl Memory {
    /// Reads the file; one that is not understood is as good as none.
    pub(crate) fn load(path: PathBuf) -> Self {
        let kept = read(&path).unwrap_or_default();
        Self { path, kept: Mutex::new(kept), writing: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn detours(&self) -> Vec<KeptDetour> {
        self.kept().detours.clone()
    }

    pub(crate) fn set_detours(&self, detours: Vec<KeptDetour>) {
        self.kept().detours = detours;
    }

    /// Whether somebody is to be called now. If so, they count as called; `again` is after how many seconds they may be
    /// called once more.
    pub(crate) fn may_summon(&self, account: &str, reason: Reason, now: u64, again: Option<u64>) -> bool {
        let mut kept = self.kept();
        let same = |it: &Summoned| it.account == account && it.reason == reason;
        let fresh = |it: &Summoned| again.is_none_or(|again| now.saturating_sub(it.at) < again);
        if kept.summoned.iter().any(|it| same(it) && fresh(it)) {
            return false;
        }
        kept.summoned.retain(|it| !same(it));
        kept.summoned.push(Summoned { account: account.to_owned(), reason, at: now });
        true
    }

    /// They were not reached.
    pub(crate) fn not_summoned(&self, account: &str, reason: Reason) {
        self.kept().summoned.retain(|it| it.account != account || it.reason != reason);
    }

    /// They have come, or will not. Says whether there was anything to forget.
    pub(crate) fn forget_summons(&self, account: &str) -> bool {
        let mut kept = self.kept();
        let before = kept.summoned.len();
        kept.summoned.retain(|it| it.account != account);
        kept.summoned.len() < before
    }

    /// Writes the file. Blocks.
    pub(crate) fn write(&self) {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept().clone();
        let written = serde_json::to_vec_pretty(&kept)
            .map_err(std::io::Error::from)
            .and_then(|bytes| crate::files::replace(&self.path, &bytes));
        if let Err(error) = written {
            tracing::debug!(%error, "what is remembered could not be written");
        }
    }
}

fn read(path: &Path) -> Option<Kept> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_as_good_as_none_and_the_next_write_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.json");
        for damaged in ["", "{nonsense", "[]", r#"{"detours": [{}]}"#, r#"{"summoned": 7}"#] {
            std::fs::write(&path, damaged).unwrap();
            let memory = Memory::load(path.clone());
            assert!(memory.detours().is_empty());
            assert!(memory.may_summon("alice", Reason::NeedsLogin, 1, None));
            memory.write();
            assert!(
                !Memory::load(path.clone()).may_summon("alice", Reason::NeedsLogin, 1, None),
                "{damaged}"
            );
        }
    }

    #[test]
    fn one_is_called_once_for_each_reason_until_one_has_come() {
        let memory = Memory::load(PathBuf::from("/nowhere/memory.json"));
        let may = |account, reason, now, again| memory.may_summon(account, reason, now, again);
        assert!(may("alice", Reason::NeedsLogin, 10, None));
        assert!(!may("alice", Reason::NeedsLogin, 1_000_000, None));
        assert!(may("alice", Reason::BlockedByPolicy, 10, None) && may("bob", Reason::NeedsLogin, 10, None));
        assert!(!may("alice", Reason::NeedsLogin, 109, Some(100)));
        assert!(may("alice", Reason::NeedsLogin, 110, Some(100)), "where nobody can tell that they came");
        memory.not_summoned("bob", Reason::NeedsLogin);
        assert!(memory.may_summon("bob", Reason::NeedsLogin, 10, None), "they were not reached");
        assert!(memory.forget_summons("alice") && !memory.forget_summons("alice"));
        assert!(memory.may_summon("alice", Reason::NeedsLogin, 10, None));
    }
}
