//! The local socket: the only module that knows which crate provides it.

use std::{
    io,
    os::{
        fd::AsFd as _,
        unix::{fs::MetadataExt as _, net},
    },
    path::{Path, PathBuf},
};

use interprocess::{
    local_socket::{
        GenericFilePath, ListenerOptions, prelude::*, tokio as local, traits::tokio::Listener as _,
    },
    os::unix::local_socket::ListenerOptionsExt as _,
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

pub(crate) use local::Stream;

/// Device and inode: which file a name means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Identity {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        std::fs::symlink_metadata(path).map(|it| Self::from(&it))
    }
}

impl From<&std::fs::Metadata> for Identity {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// Credentials of the process that called `connect`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials {
    pub(crate) uid: u32,
    pub(crate) pid: u32,
}

/// The credentials at the other end, from the kernel.
pub(crate) fn credentials(stream: &Stream) -> io::Result<Credentials> {
    let peer = stream.peer_creds()?;
    let uid = peer.euid().ok_or(io::ErrorKind::Unsupported)?;
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    Ok(Credentials { uid, pid })
}

/// Whether somebody listens at `path`. It never waits: a full backlog is a listener.
pub(crate) fn answers(path: &Path) -> bool {
    let connect = || -> rustix::io::Result<()> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
    };
    matches!(connect(), Ok(()) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INPROGRESS))
}

/// The listening socket, mode 0600.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: local::Listener,
    path: PathBuf,
    identity: Identity,
}

impl Listener {
    /// Listens at `path`, where nothing may be.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let socket = ListenerOptions::new()
            .name(path.to_fs_name::<GenericFilePath>()?)
            .mode(0o600)
            // Taken away by `close`, which looks whose it is.
            .reclaim_name(false)
            .create_tokio()?;
        Ok(Self { socket, path: path.to_owned(), identity: Identity::of(path)? })
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        self.socket.accept().await
    }

    /// Whether clients that search for the agent find this socket.
    pub(crate) fn is_found(&self) -> bool {
        Identity::of(&self.path).is_ok_and(|found| found == self.identity)
    }

    /// The folder it is in.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Stops listening and gives the connections that had come by then. Whoever connects later is refused by the
    /// kernel and knows that no agent runs; nobody is left in between.
    pub(crate) fn close(&mut self) -> Vec<Stream> {
        if self.is_found() {
            let _ = std::fs::remove_file(&self.path);
        }
        let local::Listener::UdSocket(socket) = &self.socket;
        let Ok(socket) = socket.as_fd().try_clone_to_owned().map(net::UnixListener::from) else {
            return Vec::new();
        };
        let _ = rustix::net::shutdown(&socket, rustix::net::Shutdown::Read);
        std::iter::from_fn(|| socket.accept().ok())
            .filter_map(|(stream, _)| {
                stream.set_nonblocking(true).ok()?;
                let stream = tokio::net::UnixStream::from_std(stream).ok()?;
                Some(Stream::UdSocket(stream.into()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_leaves_nobody_in_between() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let mut listener = Listener::bind(&path).unwrap();
        let waiting: Vec<_> = (0..5).map(|_| net::UnixStream::connect(&path).unwrap()).collect();
        // A second name keeps the socket reachable after its own is gone, as a client is that has just looked it up.
        let late = dir.path().join("late");
        std::fs::hard_link(&path, &late).unwrap();
        assert_eq!(listener.close().len(), waiting.len());
        assert!(!path.exists());
        let refused = net::UnixStream::connect(&late).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_socket_that_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let mut listener = Listener::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _other = net::UnixListener::bind(&path).unwrap();
        assert!(!listener.is_found());
        listener.close();
        assert!(answers(&path));
    }
}
