//! What is written to NuGet, and which questions are open. One lock holds both, so that no question is answered twice
//! and nothing is said of one that was answered: either ends the plugin in the middle of a build.

use std::{
    collections::HashSet,
    fmt,
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError, mpsc::Sender},
};

use crate::{
    Wake,
    wire::{self, Kind, Level, Method},
};

/// The side that faces NuGet.
pub(crate) struct Desk {
    state: Mutex<State>,
    wake: Sender<Wake>,
}

struct State {
    out: Box<dyn Write + Send>,
    open: HashSet<String>,
    /// NuGet takes lines to show once it has said which.
    may_log: bool,
    sent: u64,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// More questions than this are open only in the hands of somebody who is not NuGet: it asks one at a time.
const MOST_OPEN: usize = 256;

impl Desk {
    pub(crate) fn new(out: Box<dyn Write + Send>, wake: Sender<Wake>) -> Self {
        let state = State { out, open: HashSet::new(), may_log: false, sent: 0 };
        Self { state: Mutex::new(state), wake }
    }

    /// Asks NuGet what versions it speaks. Both sides ask at once.
    pub(crate) fn greet(&self) {
        self.write(
            &mut self.lock(),
            Kind::Request,
            Method::Handshake,
            "valetkey-handshake",
            Some(wire::HANDSHAKE),
        );
    }

    /// Answers a question that needs no thinking.
    pub(crate) fn answer(&self, method: Method, id: &str, payload: &str) {
        self.write(&mut self.lock(), Kind::Response, method, id, Some(payload));
    }

    /// Takes a question for a key. One whose name is in use is not taken.
    pub(crate) fn open(&self, id: &str) -> bool {
        let mut state = self.lock();
        state.open.len() < MOST_OPEN && state.open.insert(id.to_owned())
    }

    /// Answers a question for a key, unless it was cancelled meanwhile.
    pub(crate) fn close(&self, id: &str, payload: &str) {
        let mut state = self.lock();
        if state.open.remove(id) {
            self.write(&mut state, Kind::Response, Method::GetAuthenticationCredentials, id, Some(payload));
        }
    }

    /// Agrees that a question needs no answer. Agreeing to what was not asked would end the plugin.
    pub(crate) fn cancel(&self, id: &str) {
        let mut state = self.lock();
        if state.open.remove(id) {
            self.write(&mut state, Kind::Cancel, Method::GetAuthenticationCredentials, id, None);
        }
    }

    /// Says of every open question that it is being worked on. Gives `false` where somebody else is writing.
    pub(crate) fn progress(&self) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let open: Vec<String> = state.open.iter().cloned().collect();
        for id in open {
            self.write(&mut state, Kind::Progress, Method::GetAuthenticationCredentials, &id, Some("{}"));
        }
        true
    }

    /// From now on NuGet takes lines to show.
    pub(crate) fn may_log(&self) {
        self.lock().may_log = true;
    }

    /// Has NuGet show a line, in its own time. The answer is not waited for.
    pub(crate) fn log(&self, level: Level, line: &str) {
        let mut state = self.lock();
        if state.may_log {
            state.sent += 1;
            let id = format!("valetkey-log-{}", state.sent);
            let payload = wire::log(level, &format!("valetkey: {line}"));
            self.write(&mut state, Kind::Request, Method::Log, &id, Some(&payload));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &mut State, kind: Kind, method: Method, id: &str, payload: Option<&str>) {
        let line = wire::line(kind, method, id, payload);
        let written: io::Result<()> = state.out.write_all(line.as_bytes()).and_then(|()| state.out.flush());
        if written.is_err() {
            // Nobody reads any more. If the heart has stopped, the end has come already.
            let _ = self.wake.send(Wake::End);
        }
    }
}
