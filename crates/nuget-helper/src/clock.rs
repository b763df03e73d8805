//! The second thread, which keeps time, begins with the first thing that may take long. A restore whose keys are at
//! hand ends before: starting a thread costs such a plugin a tenth of all its time.

use std::{
    fmt,
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Who says nothing for so long is not in a hurry.
const QUIET: Duration = Duration::from_secs(2);

/// What every pipe takes without waiting for its reader, in bytes: a page of memory (pipe(7), `CreatePipe`).
const ROOM: usize = 4096;

/// A stream that tells whether something is to be read from it.
pub trait Input: Read {
    /// Whether reading would not have to wait longer than this. Who cannot tell says no.
    fn is_ready(&mut self, within: Duration) -> bool;
}

type Start = Box<dyn FnOnce() + Send>;

/// Starts the clock, once.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Mutex<Option<Start>>>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

impl Clock {
    /// What starting it is.
    pub(crate) fn is_started_by(&self, start: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(start));
    }

    /// From now on something may take long.
    pub(crate) fn start(&self) {
        if let Some(start) = self.take() {
            start();
        }
    }

    /// It is not needed any more, if it was.
    pub(crate) fn spare(&self) {
        drop(self.take());
    }

    fn waits(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<Start> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Reads, and starts the clock where nothing comes for a while.
#[derive(Debug)]
pub(crate) struct Ear<R> {
    pub(crate) from: R,
    pub(crate) clock: Clock,
}

impl<R: Input> Read for Ear<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.clock.waits() && !self.from.is_ready(QUIET) {
            self.clock.start();
        }
        self.from.read(buffer)
    }
}

/// Writes, and starts the clock before the first line that the other side may have to make room for, or where it is
/// gone.
#[derive(Debug)]
pub(crate) struct Mouth<W> {
    to: W,
    clock: Clock,
    room: usize,
}

impl<W> Mouth<W> {
    pub(crate) fn new(to: W, clock: Clock) -> Self {
        Self { to, clock, room: ROOM }
    }
}

impl<W: Write> Write for Mouth<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.room.checked_sub(bytes.len()) {
            Some(room) => self.room = room,
            None => self.clock.start(),
        }
        self.to.write(bytes).inspect_err(|_| self.clock.start())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Somebody who says something, or says nothing in time.
    struct Says(&'static [bool], usize);

    impl Read for Says {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer[0] = b'x';
            Ok(1)
        }
    }

    impl Input for Says {
        fn is_ready(&mut self, within: Duration) -> bool {
            assert_eq!(within, QUIET);
            self.1 += 1;
            self.0[self.1 - 1]
        }
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn clock() -> (Clock, Arc<AtomicUsize>) {
        let (clock, started) = (Clock::default(), Arc::<AtomicUsize>::default());
        let seen = Arc::clone(&started);
        clock.is_started_by(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        });
        (clock, started)
    }

    #[test]
    fn the_clock_starts_once_with_the_first_silence() {
        let (clock, started) = clock();
        let mut ear = Ear { from: Says(&[true, true, false], 0), clock };
        let mut read = || {
            assert_eq!(ear.read(&mut [0]).unwrap(), 1);
            started.load(Ordering::SeqCst)
        };
        // After the third nobody asks whether there is anything.
        assert_eq!([read(), read(), read(), read()], [0, 0, 1, 1]);
    }

    #[test]
    fn the_clock_starts_before_a_pipe_can_be_full() {
        let (clock, started) = clock();
        let mut mouth = Mouth::new(io::sink(), clock);
        let mut write = |bytes: usize| {
            mouth.write_all(&vec![b'x'; bytes]).unwrap();
            started.load(Ordering::SeqCst)
        };
        assert_eq!([write(96), write(4000), write(1), write(9000)], [0, 0, 1, 1]);
    }

    #[test]
    fn the_clock_starts_where_nobody_reads_any_more() {
        let (clock, started) = clock();
        let mut mouth = Mouth::new(Gone, clock);
        assert_eq!(started.load(Ordering::SeqCst), 0);
        mouth.write_all(b"x").unwrap_err();
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_clock_that_is_spared_starts_no_more() {
        let (clock, started) = clock();
        clock.spare();
        clock.start();
        assert_eq!(started.load(Ordering::SeqCst), 0);
    }
}
