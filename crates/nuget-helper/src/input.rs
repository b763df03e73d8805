//! Standard input, as NuGet's end of a pipe.

use std::{
    io::{self, Read},
    time::Duration,
};

use crate::Input;

/// The standard input of this process, without the buffer of [`io::stdin`]: what lies in that cannot be waited for.
#[cfg(unix)]
#[derive(Debug)]
pub struct StandardInput(rustix::fd::BorrowedFd<'static>);

#[cfg(unix)]
impl StandardInput {
    /// Takes it for good.
    pub fn take() -> Self {
        Self(rustix::stdio::stdin())
    }
}

#[cfg(unix)]
impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, buffer)?)
    }
}

#[cfg(unix)]
impl Input for StandardInput {
    fn is_ready(&mut self, within: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut input = [PollFd::new(&self.0, PollFlags::IN)];
        // The end of it is ready too. Who is interrupted cannot tell.
        let ready = Timespec::try_from(within).ok().and_then(|within| poll(&mut input, Some(&within)).ok());
        ready.is_some_and(|ready| ready > 0)
    }
}

/// The standard input of this process.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct StandardInput(io::StdinLock<'static>);

#[cfg(not(unix))]
impl StandardInput {
    /// Takes it for good.
    pub fn take() -> Self {
        Self(io::stdin().lock())
    }
}

#[cfg(not(unix))]
impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(not(unix))]
impl Input for StandardInput {
    fn is_ready(&mut self, _: Duration) -> bool {
        false
    }
}
