//! Hearing at once that something was taken out of the socket's folder.

use std::{io, os::fd::OwnedFd, path::Path, sync::Arc, thread};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::inotify::{CreateFlags, WatchFlags, add_watch, init},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use tokio::sync::Notify;

/// A watch on a folder. Where the system has none to give, it is never heard from, and the periodic check remains.
///
/// It waits on a thread of its own: the runtime's way to wait on a descriptor it does not know is `unsafe`.
#[derive(Debug)]
pub(crate) struct Watch {
    heard: Arc<Notify>,
    // Closing it ends the thread.
    _end: Option<OwnedFd>,
}

impl Watch {
    pub(crate) fn on(folder: &Path) -> Self {
        let heard = Arc::new(Notify::new());
        let end = begin(folder, Arc::clone(&heard));
        let end = end.inspect_err(|error| tracing::debug!("no watch on the folder: {error}")).ok();
        Self { heard, _end: end }
    }

    /// Returns when something was removed or moved.
    pub(crate) async fn disturbed(&self) {
        self.heard.notified().await;
    }
}

fn begin(folder: &Path, heard: Arc<Notify>) -> io::Result<OwnedFd> {
    let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let what = WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    add_watch(&inotify, folder, what | WatchFlags::ONLYDIR)?;
    let (ended, end) = pipe_with(PipeFlags::CLOEXEC)?;
    let listen = move || listen(&inotify, &ended, &heard);
    thread::Builder::new().name("watch".into()).stack_size(128 * 1024).spawn(listen)?;
    Ok(end)
}

fn listen(inotify: &OwnedFd, ended: &OwnedFd, heard: &Notify) {
    // What happened is of no interest, only that something did: the server looks for itself.
    let mut events = [0_u8; 4096];
    loop {
        let mut both = [PollFd::new(inotify, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        let polled = poll(&mut both, None);
        if !both[1].revents().is_empty() {
            return;
        }
        match polled.and_then(|_| rustix::io::read(inotify, &mut events)) {
            Ok(1..) => heard.notify_one(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => return,
        }
    }
}
