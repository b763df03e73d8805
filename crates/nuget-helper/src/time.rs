//! Time: what it is, and what is to be done every two seconds.

use std::{
    fmt,
    sync::{
        PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use valetkey_client::Processes;

use crate::{desk::Desk, reader::Watched};

/// Older clients give up after five seconds without a sign of life.
const BEAT: Duration = Duration::from_secs(2);
/// A client that has read nothing for so many beats will not.
const STUCK: u32 = 15;

/// A clock that can be waited by.
pub trait Time: fmt::Debug + Send {
    /// The time since some moment.
    fn now(&self) -> Duration;

    /// Lets time pass.
    fn pause(&mut self, time: Duration);
}

/// The clock of this machine.
#[derive(Debug)]
pub struct SystemTime(Instant);

impl SystemTime {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Time for SystemTime {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&mut self, time: Duration) {
        thread::sleep(time);
    }
}

/// What the heart is woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Some time has passed.
    Beat,
    /// Nobody reads any more.
    End,
    /// The conversation is over, and whoever held it knows.
    Over,
}

/// What beats while a conversation lasts, and ends it where nobody is left to have it with.
pub struct Heart {
    every: Option<Duration>,
    sender: Sender<Wake>,
    receiver: Receiver<Wake>,
    leave: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Heart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heart").field("every", &self.every).finish_non_exhaustive()
    }
}

impl Heart {
    /// One that beats every two seconds, and ends the process: its main thread may be reading from somebody who says
    /// nothing more.
    #[expect(clippy::new_without_default, reason = "there are two kinds, and neither is the default one")]
    pub fn new() -> Self {
        Self::beating(Some(BEAT), || std::process::exit(0))
    }

    /// One that beats only when [`Self::sender`] is told so, and then leaves by `leave`.
    pub fn by_hand(leave: impl FnOnce() + Send + 'static) -> Self {
        Self::beating(None, leave)
    }

    fn beating(every: Option<Duration>, leave: impl FnOnce() + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { every, sender, receiver, leave: Box::new(leave) }
    }

    /// Where it is told to beat or to end.
    pub fn sender(&self) -> Sender<Wake> {
        self.sender.clone()
    }

    /// Beats until the conversation is over, and leaves where there is nobody left to have it with.
    pub(crate) fn beat(self, desk: &Desk, processes: &dyn Processes, watched: &Watched) {
        let mut stuck = 0;
        loop {
            match self.next() {
                Wake::Beat => stuck = if desk.progress() { 0 } else { stuck + 1 },
                Wake::End => break,
                Wake::Over => return,
            }
            if stuck >= STUCK || is_gone(processes, watched) {
                break;
            }
        }
        (self.leave)();
    }

    fn next(&self) -> Wake {
        let Some(every) = self.every else { return self.receiver.recv().unwrap_or(Wake::Over) };
        match self.receiver.recv_timeout(every) {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::Beat,
            Err(RecvTimeoutError::Disconnected) => Wake::Over,
        }
    }
}

/// Whether the watched process has ended. Its id may have another one by now.
fn is_gone(processes: &dyn Processes, watched: &Watched) -> bool {
    let watched = *watched.lock().unwrap_or_else(PoisonError::into_inner);
    watched.is_some_and(|(id, started)| processes.started(id) != Some(started))
}
