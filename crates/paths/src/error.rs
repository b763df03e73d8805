//! Why a place cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A place that cannot be found, reached or trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The user has no home folder, or none that the system tells.
    #[error("the home folder of this user is not known")]
    NoHome,
    /// The socket's path does not fit into a socket address.
    #[error("the socket's path `{}` has {} bytes, more than the {limit} a socket can have", ends_of(.path), .path.as_os_str().len())]
    SocketTooLong {
        /// The path.
        path: PathBuf,
        /// Bytes a socket's path can have on this system.
        limit: usize,
    },
    /// Somebody else could have put it there or could change it.
    #[error("`{}` {why}", .path.display())]
    Untrusted {
        /// The file or folder, which need not be the one asked for: it can be one above it.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The system refused.
    #[error("`{}` cannot be used: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The beginning and the end of a path: what is said behind it must not fall off the line.
fn ends_of(path: &Path) -> String {
    const EACH: usize = 40;
    let text = path.display().to_string();
    let count = text.chars().count();
    if count <= 2 * EACH {
        return text;
    }
    text.chars().take(EACH).chain(['…']).chain(text.chars().skip(count - EACH)).collect()
}

impl PathError {
    /// What to do next: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome => "set `HOME` to the user's home folder".to_owned(),
            Self::SocketTooLong { .. } => {
                "set `XDG_RUNTIME_DIR` to a shorter path that only you can write to".to_owned()
            }
            Self::Untrusted { path, hint, .. } => hint.replace("{}", &path.display().to_string()),
            Self::Io { path, .. } => {
                format!("check owner, permissions and free space of `{}`", path.display())
            }
        }
    }

    /// Whether the file or folder does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
