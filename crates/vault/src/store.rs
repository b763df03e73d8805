//! What a place for secrets can do.

use valetkey_protocol::SecretString;

use crate::VaultError;

/// A place for secrets, by name. Calls may block for as long as they like: a [`crate::Vault`] bounds the wait.
pub trait Store: Send {
    /// The secret of that name, or nothing.
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError>;

    /// Keeps a secret, in place of the one of that name.
    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError>;

    /// Forgets the secret of that name, if there is one.
    fn delete(&mut self, name: &str) -> Result<(), VaultError>;

    /// Whether it could be used now, found out without disturbing anyone.
    fn probe(&mut self) -> Result<(), VaultError> {
        self.get("probe").map(drop)
    }

    /// Whether the next call may wait for a person to answer a prompt.
    fn may_prompt(&mut self) -> bool {
        false
    }

    /// Opens it with a passphrase.
    fn unlock(&mut self, _passphrase: &SecretString) -> Result<(), VaultError> {
        Err(VaultError::NoPassphrase)
    }

    /// Forgets the passphrase, where there is one.
    fn lock(&mut self) {}
}
