//! One agent per user: a file lock held for life, never "remove the socket and hope".

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use valetkey_paths::{PathError, trust::ensure_private_dir};

use crate::transport::{Identity, Listener, answers};

/// Why this process does not become the agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// There is one already, and it listens or is about to.
    #[error("another agent is running")]
    Running,
    /// A folder cannot be made or trusted.
    #[error(transparent)]
    Place(#[from] PathError),
    /// The lock file or the socket cannot be made. Typical causes: a full or read-only disk, a folder that is gone.
    #[error("`{}` cannot be made: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The right to be the agent of this user, until dropped.
#[derive(Debug)]
pub struct Instance {
    lock: File,
    lock_path: PathBuf,
    socket: PathBuf,
}

impl InstanceError {
    /// The next step: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::Running => "run `valetkey agent restart` to replace it".to_owned(),
            Self::Place(error) => error.hint(),
            Self::Io { path, .. } => {
                format!("check owner, permissions and free space of `{}`", path.display())
            }
        }
    }
}

impl Instance {
    /// Between two tries while a predecessor finishes.
    const STEP: Duration = Duration::from_millis(20);

    /// Takes the lock. A predecessor that no longer listens, because it finishes what is in flight, is waited for up
    /// to `patience`; one that listens is not.
    pub fn claim(lock: &Path, socket: &Path, patience: Duration) -> Result<Self, InstanceError> {
        ensure_folder(lock)?;
        ensure_folder(socket)?;
        let end = Instant::now() + patience;
        loop {
            match try_lock(lock) {
                Ok(Some(file)) => {
                    return Ok(Self { lock: file, lock_path: lock.to_owned(), socket: socket.to_owned() });
                }
                Ok(None) if answers(socket) || Instant::now() >= end => return Err(InstanceError::Running),
                Ok(None) => std::thread::sleep(Self::STEP),
                Err(source) => return Err(InstanceError::Io { path: lock.to_owned(), source }),
            }
        }
    }

    /// Listens. Under the lock, what lies at the socket's place is either dead, and removed, or alive although it does
    /// not hold the lock, and respected.
    pub(crate) fn listen(&self) -> Result<Listener, InstanceError> {
        ensure_folder(&self.socket)?;
        if answers(&self.socket) {
            return Err(InstanceError::Running);
        }
        let io = |source| InstanceError::Io { path: self.socket.clone(), source };
        match std::fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        Listener::bind(&self.socket).map_err(io)
    }

    /// Whether the lock is still the one others would try to take.
    pub(crate) fn holds(&self) -> bool {
        is_at(&self.lock, &self.lock_path)
    }

    /// Takes the lock anew after the folder was removed or replaced.
    pub(crate) fn renew(&mut self) -> Result<(), InstanceError> {
        ensure_folder(&self.lock_path)?;
        match try_lock(&self.lock_path) {
            Ok(Some(file)) => self.lock = file,
            Ok(None) => return Err(InstanceError::Running),
            Err(source) => return Err(InstanceError::Io { path: self.lock_path.clone(), source }),
        }
        Ok(())
    }
}

fn ensure_folder(of: &Path) -> Result<(), PathError> {
    of.parent().map_or(Ok(()), ensure_private_dir)
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), Identity::of(path)) {
        (Ok(held), Ok(found)) => Identity::from(&held) == found,
        _ => false,
    }
}

fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        match file.try_lock() {
            // Removed between opening and locking: that lock would exclude nobody.
            Ok(()) if !is_at(&file, path) => {}
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_one_holder_and_a_dead_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, socket) = (dir.path().join("lock"), dir.path().join("sock"));
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let first = Instance::claim(&lock, &socket, Duration::ZERO).unwrap();
        let mut listener = first.listen().unwrap();
        assert!(listener.is_found());
        let second = Instance::claim(&lock, &socket, Duration::from_secs(60));
        assert!(matches!(second, Err(InstanceError::Running)));
        listener.close();
        drop(first);
        assert!(!socket.exists());
        Instance::claim(&lock, &socket, Duration::ZERO).unwrap();
    }

    #[tokio::test]
    async fn a_live_socket_without_the_lock_is_not_displaced() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, socket) = (dir.path().join("lock"), dir.path().join("sock"));
        let alive = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let instance = Instance::claim(&lock, &socket, Duration::ZERO).unwrap();
        assert!(matches!(instance.listen(), Err(InstanceError::Running)));
        assert!(answers(&socket));
        drop(alive);
    }

    #[test]
    fn a_lock_that_was_removed_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, socket) = (dir.path().join("lock"), dir.path().join("sock"));
        let mut old = Instance::claim(&lock, &socket, Duration::ZERO).unwrap();
        std::fs::remove_file(&lock).unwrap();
        assert!(!old.holds());
        old.renew().unwrap();
        assert!(old.holds());
        std::fs::remove_file(&lock).unwrap();
        let new = Instance::claim(&lock, &socket, Duration::ZERO).unwrap();
        assert!(matches!(old.renew(), Err(InstanceError::Running)));
        assert!(new.holds());
    }

    #[test]
    fn the_lock_does_not_follow_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, socket) = (dir.path().join("lock"), dir.path().join("sock"));
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &lock).unwrap();
        assert!(matches!(Instance::claim(&lock, &socket, Duration::ZERO), Err(InstanceError::Io { .. })));
        assert!(!dir.path().join("elsewhere").exists());
    }
}
