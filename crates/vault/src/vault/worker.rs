//! The thread a store runs on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, mpsc::Receiver},
    thread,
    time::Instant,
};

use super::shared::{Job, Op, Reply, State, lock};
use crate::{Store, VaultError};

/// Starts the thread. Where the system refuses one, the queue is closed and every call says so.
pub(super) fn spawn(store: Box<dyn Store>, jobs: Receiver<Job>, state: Arc<Mutex<State>>) {
    let _ = thread::Builder::new().name("vault".to_owned()).spawn(move || work(store, &jobs, &state));
}

fn work(mut store: Box<dyn Store>, jobs: &Receiver<Job>, state: &Mutex<State>) {
    for job in jobs {
        if Instant::now() >= job.expires {
            continue;
        }
        lock(state).begin(job.id);
        let reply = guarded(store.as_mut(), job.op, state);
        let mut state = lock(state);
        state.end(&reply);
        // Sent under the lock: whoever gives up looks here once more while holding it.
        let _ = job.reply.send(reply);
    }
}

/// A panic in a keyring library costs one call, not the vault.
fn guarded(store: &mut dyn Store, op: Op, state: &Mutex<State>) -> Reply {
    let call = AssertUnwindSafe(|| {
        if !matches!(op, Op::Probe) && store.may_prompt() {
            lock(state).prompting = true;
        }
        run(store, op)
    });
    catch_unwind(call)
        .unwrap_or_else(|_| Err(VaultError::Failed("a fault in the keyring library".to_owned())))
}

fn run(store: &mut dyn Store, op: Op) -> Reply {
    match op {
        Op::Get(name) => store.get(&name),
        Op::Set(name, secret) => store.set(&name, &secret).map(|()| None),
        Op::Delete(name) => store.delete(&name).map(|()| None),
        Op::Unlock(passphrase) => store.unlock(&passphrase).map(|()| None),
        Op::Lock => {
            store.lock();
            Ok(None)
        }
        Op::Probe => store.probe().map(|()| None),
    }
}
