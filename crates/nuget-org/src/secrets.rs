//! Where the values of keys rest.

use valetkey_protocol::SecretString;

/// A place for secrets, by name. The vault is one.
pub trait Secrets {
    /// Why it fails.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The secret of that name, or nothing.
    fn get(&self, name: &str) -> Result<Option<SecretString>, Self::Error>;

    /// Keeps a secret, in place of the one of that name.
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Self::Error>;

    /// Forgets the secret of that name, if there is one.
    fn delete(&self, name: &str) -> Result<(), Self::Error>;
}
