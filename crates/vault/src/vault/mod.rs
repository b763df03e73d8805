//! A store behind a thread and a deadline.

mod shared;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use valetkey_protocol::{SecretString, VaultState, VaultStatus, VaultTier};

use self::shared::{Job, Op, Reply, State, lock};
use crate::{DEADLINE, MemoryStore, OsStore, SealedKey, SealedStore, Store, VaultError};

/// How many deadlines opening with a passphrase may take: it is built to be slow, and a machine may be small or busy.
const UNLOCKING: u32 = 10;

/// A store that never keeps a caller longer than its deadline.
///
/// Calls run one after another, in the order they were made, on a thread of the vault's own. While one hangs, later
/// ones fail at once, and when it comes back after all, the vault heals. Calls block, so an asynchronous caller puts
/// them where blocking is allowed.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
}

struct Shared {
    tier: VaultTier,
    deadline: Duration,
    slow: VaultError,
    jobs: Mutex<Sender<Job>>,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("tier", &self.shared.tier).finish_non_exhaustive()
    }
}

impl Vault {
    /// The operating system's keyring. Never anything else: where there is none, calls fail and say so.
    pub fn os(deadline: Duration) -> Self {
        Self::over(OsStore::default(), VaultTier::Os, deadline)
    }

    /// A sealed file.
    pub fn sealed(path: impl Into<PathBuf>, key: SealedKey, deadline: Duration) -> Self {
        Self::over(SealedStore::new(path, key), VaultTier::Sealed, deadline)
    }

    /// Memory of this process.
    pub fn memory() -> Self {
        Self::over(MemoryStore::default(), VaultTier::Memory, DEADLINE)
    }

    /// Any store.
    pub fn over(store: impl Store + 'static, tier: VaultTier, deadline: Duration) -> Self {
        let (jobs, inbox) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        worker::spawn(Box::new(store), inbox, Arc::clone(&state));
        let slow = if tier == VaultTier::Os { VaultError::Hung } else { VaultError::Stalled };
        Self { shared: Arc::new(Shared { tier, deadline, slow, jobs: Mutex::new(jobs), state }) }
    }

    /// The secret of that name, or nothing.
    pub fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        self.call(Op::Get(name.to_owned()))
    }

    /// Keeps a secret, in place of the one of that name. After [`VaultError::Hung`] it is unknown whether it was
    /// kept; a later call settles it.
    pub fn set(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.call(Op::Set(name.to_owned(), secret.clone())).map(drop)
    }

    /// Forgets the secret of that name, if there is one. [`Vault::set`] says what a hang means.
    pub fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.call(Op::Delete(name.to_owned())).map(drop)
    }

    /// Opens a sealed file with its passphrase, or seals a new one with it. This alone may take ten deadlines.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<(), VaultError> {
        self.call(Op::Unlock(passphrase.clone())).map(drop)
    }

    /// Forgets a sealed file's passphrase. Other vaults have none to forget.
    pub fn lock(&self) -> Result<(), VaultError> {
        self.call(Op::Lock)?;
        if self.shared.tier == VaultTier::Sealed {
            // So that the status says what the next call will find.
            let _ = self.probe();
        }
        Ok(())
    }

    /// Finds out whether the vault could be used, without a prompt. [`Vault::status`] then says so.
    pub fn probe(&self) -> Result<(), VaultError> {
        self.call(Op::Probe).map(drop)
    }

    /// What the last call showed. Asks nothing and never waits.
    pub fn status(&self) -> VaultStatus {
        let state = lock(&self.shared.state);
        let problem = match &state.last {
            _ if state.overdue => Some(state.stuck(&self.shared.slow)),
            None => return VaultStatus { tier: self.shared.tier, ..VaultStatus::default() },
            Some(Ok(())) => None,
            Some(Err(error)) => Some(error.clone()),
        };
        drop(state);
        let tier = self.shared.tier;
        match problem.filter(|error| error.state() != VaultState::Ready) {
            None => VaultStatus { tier, state: VaultState::Ready, ..VaultStatus::default() },
            Some(error) => {
                let told = error.refusal();
                VaultStatus { tier, state: error.state(), sentence: told.sentence, hint: told.hint }
            }
        }
    }

    fn call(&self, op: Op) -> Reply {
        let (id, expires, answer) = self.submit(op)?;
        match answer.recv_timeout(expires.saturating_duration_since(Instant::now())) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout) => self.give_up(id, &answer),
            // It expired in the queue and was dropped.
            Err(RecvTimeoutError::Disconnected) => Err(lock(&self.shared.state).stuck(&self.shared.slow)),
        }
    }

    fn submit(&self, op: Op) -> Result<(u64, Instant, Receiver<Reply>), VaultError> {
        // Held over numbering and sending, so that numbers run in the order of the queue.
        let jobs = lock(&self.shared.jobs);
        let id = {
            let mut state = lock(&self.shared.state);
            if state.overdue {
                return Err(state.stuck(&self.shared.slow));
            }
            state.newest += 1;
            state.newest
        };
        let (reply, answer) = channel();
        let times = if matches!(op, Op::Unlock(_)) { UNLOCKING } else { 1 };
        let expires = Instant::now() + self.shared.deadline * times;
        jobs.send(Job { id, op, expires, reply }).map_err(|_| thread_ended())?;
        Ok((id, expires, answer))
    }

    /// The deadline has passed. An answer that came in this very moment still counts.
    fn give_up(&self, id: u64, answer: &Receiver<Reply>) -> Reply {
        let mut state = lock(&self.shared.state);
        if let Ok(reply) = answer.try_recv() {
            return reply;
        }
        if state.running == Some(id) {
            state.overdue = true;
        }
        Err(state.stuck(&self.shared.slow))
    }
}

fn thread_ended() -> VaultError {
    VaultError::Failed("its thread has ended".to_owned())
}
