//! Why a secret could not be fetched or kept.

use std::{io, path::PathBuf};

use valetkey_protocol::{Reason, Refusal, VaultState};

/// Why a call failed. `Display` is one sentence; [`VaultError::hint`] is the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The operating system's keyring is locked, and nobody unlocked it.
    #[error("the keyring is locked")]
    Locked,
    /// The sealed file is locked until its passphrase is given.
    #[error("the sealed file is locked")]
    NeedsPassphrase,
    /// There is no sealed file yet: the first passphrase given will seal it.
    #[error("the sealed file has no passphrase yet")]
    NoPassphraseYet,
    /// The sealed file does not open with this passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A passphrase of no characters protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// This vault takes no passphrase.
    #[error("this vault has no passphrase")]
    NoPassphrase,
    /// The keyring did not answer within the deadline. A get changed nothing; whether a set or a delete was done, or
    /// will still be done, is unknown. It can never overtake a later one.
    #[error("the keyring does not answer")]
    Hung,
    /// The disk did not answer within the deadline, or another process holds the file's lock. See
    /// [`VaultError::Hung`] for what is known then.
    #[error("the sealed file's disk does not answer")]
    Stalled,
    /// There is no session bus, and so no keyring.
    #[error("there is no keyring: no session bus answers")]
    Absent,
    /// There is a session bus, but no keyring service on it: never started, or killed.
    #[error("no keyring service is running")]
    NotRunning,
    /// The service runs and has no default keyring, as on WSL.
    #[error("the keyring service has no default keyring")]
    NoCollection,
    /// The kernel keyring cannot be used here.
    #[error("the kernel keyring cannot be used: {0}")]
    NoKernelKeyring(String),
    /// The kernel has lost the key of the sealed file. It forgets keys at a reboot.
    #[error("the key of the sealed file is gone from the kernel, as after a reboot")]
    KeyLost(PathBuf),
    /// The sealed file ends too early.
    #[error("the sealed file `{}` is cut short", .0.display())]
    Truncated(PathBuf),
    /// The sealed file was changed by something else, or is none.
    #[error("the sealed file `{}` is damaged or was tampered with", .0.display())]
    Damaged(PathBuf),
    /// The sealed file was written by a later version, or for another kind of key.
    #[error("the sealed file `{}` {}", .0.display(), .1)]
    Foreign(PathBuf, &'static str),
    /// Others could have read or written the file.
    #[error("`{}` is not private: {}", .0.display(), .1)]
    NotPrivate(PathBuf, &'static str),
    /// The disk is full. What was there before is still there.
    #[error("no space is left to write `{}`", .0.display())]
    NoSpace(PathBuf),
    /// The secret is longer than this keyring takes, in bytes.
    #[error("the keyring takes at most {0} bytes")]
    TooLong(u32),
    /// It failed in another way.
    #[error("the vault failed: {0}")]
    Failed(String),
}

const CHOOSE_SEALED: &str = "or choose the sealed file: `[vault] store = \"sealed\"` in the configuration";

impl VaultError {
    /// What to do next: one line, no full stop.
    pub fn hint(&self) -> String {
        match self {
            Self::Locked => {
                "unlock your keyring, for example by signing in to the desktop, and try again".to_owned()
            }
            Self::NeedsPassphrase => "run `valetkey unlock` and type its passphrase".to_owned(),
            Self::NoPassphraseYet => "run `valetkey unlock` and choose one".to_owned(),
            Self::WrongPassphrase => "run `valetkey unlock` again".to_owned(),
            Self::EmptyPassphrase => "choose a passphrase of at least one character".to_owned(),
            Self::NoPassphrase => "nothing needs to be unlocked here".to_owned(),
            Self::Hung => format!("restart the keyring service, {CHOOSE_SEALED}"),
            Self::Stalled => "see whether its disk is stuck or another program holds its lock".to_owned(),
            Self::Absent | Self::NotRunning => {
                format!("start a keyring such as gnome-keyring, {CHOOSE_SEALED}")
            }
            Self::NoCollection => format!("create a default keyring, {CHOOSE_SEALED}"),
            Self::NoKernelKeyring(_) => {
                "choose a passphrase: `[vault] sealed-key = \"passphrase\"` in the configuration".to_owned()
            }
            Self::KeyLost(path) | Self::Truncated(path) | Self::Damaged(path) => {
                format!(
                    "nothing in it can be read any more: remove `{}` and run `valetkey login`",
                    path.display()
                )
            }
            Self::Foreign(path, _) => {
                format!("change `[vault]` in the configuration back, or remove `{}`", path.display())
            }
            Self::NotPrivate(path, _) => {
                format!("make it yours alone: `chown $USER` and `chmod 600` on `{}`", path.display())
            }
            Self::NoSpace(_) => "free some space; until then nothing new is remembered".to_owned(),
            Self::TooLong(_) => {
                "choose the sealed file: `[vault] store = \"sealed\"` in the configuration".to_owned()
            }
            Self::Failed(_) => format!("try again, {CHOOSE_SEALED}"),
        }
    }

    /// What it says about the vault.
    pub fn state(&self) -> VaultState {
        match self {
            Self::Locked | Self::NeedsPassphrase | Self::NoPassphraseYet | Self::WrongPassphrase => {
                VaultState::Locked
            }
            Self::Hung | Self::Stalled => VaultState::Hung,
            Self::Absent | Self::NotRunning | Self::NoCollection | Self::NoKernelKeyring(_) => {
                VaultState::Absent
            }
            Self::TooLong(_) | Self::NoPassphrase | Self::EmptyPassphrase => VaultState::Ready,
            _ => VaultState::Failed,
        }
    }

    /// The same as a value a client understands.
    pub fn refusal(&self) -> Refusal {
        Refusal::new(Reason::VaultUnavailable, self.to_string(), self.hint())
    }

    /// A failure of the file system, told apart where the next step differs. `doing` reads `cannot write`.
    pub(crate) fn io(doing: &str, path: &std::path::Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(path.to_owned()),
            _ => Self::Failed(format!("{doing} `{}`: {error}", path.display())),
        }
    }
}

impl From<&VaultError> for Refusal {
    fn from(error: &VaultError) -> Self {
        error.refusal()
    }
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        error.refusal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_a_sentence_of_its_own_and_a_next_step() {
        let path = PathBuf::from("f");
        let all = [
            VaultError::Locked,
            VaultError::NeedsPassphrase,
            VaultError::NoPassphraseYet,
            VaultError::WrongPassphrase,
            VaultError::EmptyPassphrase,
            VaultError::NoPassphrase,
            VaultError::Hung,
            VaultError::Stalled,
            VaultError::Absent,
            VaultError::NotRunning,
            VaultError::NoCollection,
            VaultError::NoKernelKeyring("x".to_owned()),
            VaultError::KeyLost(path.clone()),
            VaultError::Truncated(path.clone()),
            VaultError::Damaged(path.clone()),
            VaultError::Foreign(path.clone(), "is another"),
            VaultError::NotPrivate(path.clone(), "x"),
            VaultError::NoSpace(path),
            VaultError::TooLong(1),
            VaultError::Failed("x".to_owned()),
        ];
        let sentences: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(sentences.len(), all.len());
        for error in all {
            let Refusal { reason, sentence, hint, .. } = error.refusal();
            assert_eq!(reason, Reason::VaultUnavailable);
            assert!(!hint.is_empty() && !hint.ends_with('.') && !sentence.ends_with('.'), "{sentence}");
            assert!(valetkey_protocol::is_clean(&sentence) && !sentence.contains('…') && !hint.contains('…'));
        }
    }
}
