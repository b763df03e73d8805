//! What callers and the store's thread tell each other.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, mpsc::Sender},
    time::Instant,
};

use valetkey_protocol::SecretString;

use crate::VaultError;

/// Every call answers alike; only a get has something to give.
pub(super) type Reply = Result<Option<SecretString>, VaultError>;

/// What the store is to do.
pub(super) enum Op {
    Get(String),
    Set(String, SecretString),
    Delete(String),
    Unlock(SecretString),
    Lock,
    Probe,
}

/// One call on its way to the store.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) op: Op,
    /// Nobody waits after this: a job not begun by then is not begun at all.
    pub(super) expires: Instant,
    pub(super) reply: Sender<Reply>,
}

/// The state of the store's thread.
#[derive(Default)]
pub(super) struct State {
    /// Id of the newest job.
    pub(super) newest: u64,
    /// Id of the job that is running.
    pub(super) running: Option<u64>,
    /// Whether the running job has been given up by its caller.
    pub(super) overdue: bool,
    /// Whether the running job may be waiting for a person.
    pub(super) prompting: bool,
    /// How the last job ended.
    pub(super) last: Option<Result<(), VaultError>>,
}

impl State {
    /// What to tell while a call hangs. `slow` is this tier's word for it.
    pub(super) fn stuck(&self, slow: &VaultError) -> VaultError {
        if self.prompting { VaultError::Locked } else { slow.clone() }
    }

    pub(super) fn begin(&mut self, id: u64) {
        self.running = Some(id);
        self.prompting = false;
    }

    pub(super) fn end(&mut self, reply: &Reply) {
        self.running = None;
        self.overdue = false;
        self.prompting = false;
        self.last = Some(reply.as_ref().map(drop).map_err(Clone::clone));
    }
}

/// The lock, whatever happened to its last holder: the state is whole between any two statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
