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

/// What the main thread is woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Some time has passed.
    Beat,
    /// The conversation is over.
    End,
}

/// What beats while a conversation lasts.
#[derive(Debug)]
pub struct Heart {
    every: Option<Duration>,
    sender: Sender<Wake>,
    receiver: Receiver<Wake>,
}

impl Heart {
    /// One that beats every two seconds.
    #[expect(clippy::new_without_default, reason = "there are two kinds, and neither is the default one")]
    pub fn new() -> Self {
        Self::beating(Some(BEAT))
    }

    /// One that beats only when [`Self::sender`] is told so.
    pub fn by_hand() -> Self {
        Self::beating(None)
    }

    fn beating(every: Option<Duration>) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { every, sender, receiver }
    }

    /// Where it is told that the conversation is over.
    pub fn sender(&self) -> Sender<Wake> {
        self.sender.clone()
    }

    /// Beats until the conversation is over, or there is nobody left to have it with.
    pub(crate) fn beat(&self, desk: &Desk, processes: &dyn Processes, watched: &Watched) {
        let mut stuck = 0;
        while self.next() == Wake::Beat {
            stuck = if desk.progress() { 0 } else { stuck + 1 };
            if stuck >= STUCK || is_gone(processes, watched) {
                return;
            }
        }
    }

    fn next(&self) -> Wake {
        let Some(every) = self.every else { return self.receiver.recv().unwrap_or(Wake::End) };
        match self.receiver.recv_timeout(every) {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::Beat,
            Err(RecvTimeoutError::Disconnected) => Wake::End,
        }
    }
}

/// Whether the watched process has ended. Its id may have another one by now.
fn is_gone(processes: &dyn Processes, watched: &Watched) -> bool {
    let watched = *watched.lock().unwrap_or_else(PoisonError::into_inner);
    watched
        .is_some_and(|(id, started)| processes.process(id).is_none_or(|process| process.started != started))
}
