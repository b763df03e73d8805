//! Where secrets rest: the operating system's keyring, a sealed file, or memory.
//!
//! A [`Vault`] owns one thread that runs its [`Store`]. Callers wait at most a deadline, because a keyring can hang
//! for ever: on a stopped daemon, or on an unlock prompt nobody sees. Nothing here ever falls back to a lower
//! tier, and nothing is ever written in plain text: which tier holds the secrets is a person's choice.
//!
//! Other processes of the same user can read what the keyring or the kernel holds for that user. A vault protects
//! against other users, and against whoever has the disk.

mod error;
mod memory;
mod os;
mod sealed;
mod store;
mod vault;

pub use error::VaultError;
pub use memory::MemoryStore;
pub use os::OsStore;
pub use sealed::{Argon, SealedKey, SealedStore};
pub use store::Store;
pub use vault::Vault;

/// The service name of our entries in the operating system's keyring.
pub const SERVICE: &str = "valetkey";

/// A wait that a person still takes for an answer. What `gh` and others give a keyring, too.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(3);
