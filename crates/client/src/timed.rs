//! A stream whose reads and writes together end by one moment.

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use interprocess::local_socket::{Stream, prelude::*};

/// A socket's own timeout starts anew with each byte; this one does not, so an agent that drips cannot hold a
/// client for ever.
#[derive(Debug)]
pub(crate) struct Timed {
    stream: Stream,
    until: Instant,
}

impl Timed {
    pub(crate) fn new(stream: Stream, within: Duration) -> Self {
        Self { stream, until: Instant::now() + within }
    }

    pub(crate) fn end_within(&mut self, within: Duration) {
        self.until = Instant::now() + within;
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_recv_timeout(self.left()?)?;
            match self.stream.read(buffer).map_err(as_timed_out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_send_timeout(self.left()?)?;
        self.stream.write(bytes).map_err(as_timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn as_timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}
