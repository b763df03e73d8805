//! Credential Manager and Keychain, by the facade `keyring`: neither has a connection that could break.

use keyring::{Entry, Error};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use super::{explain, text};
use crate::{SERVICE, Store, VaultError};

/// The platform's keyring as a [`Store`].
#[derive(Debug, Default)]
pub struct OsStore;

fn entry(name: &str) -> Result<Entry, VaultError> {
    Entry::new(SERVICE, name).map_err(|error| explain(&error))
}

impl Store for OsStore {
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError> {
        match entry(name)?.get_secret() {
            Ok(bytes) => text(bytes).map(Some),
            Err(Error::NoEntry) => Ok(None),
            Err(Error::NoStorageAccess(_)) => Err(VaultError::Locked),
            Err(error) => Err(explain(&error)),
        }
    }

    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        match entry(name)?.set_secret(secret.expose_secret().as_bytes()) {
            Err(Error::NoStorageAccess(_)) => Err(VaultError::Locked),
            done => done.map_err(|error| explain(&error)),
        }
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(Error::NoStorageAccess(_)) => Err(VaultError::Locked),
            Err(error) => Err(explain(&error)),
        }
    }
}
