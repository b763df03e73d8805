//! Secrets in this process's memory: gone when it ends.

use std::collections::HashMap;

use valetkey_protocol::SecretString;

use crate::{Store, VaultError};

/// Keeps secrets until the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    secrets: HashMap<String, SecretString>,
}

impl Store for MemoryStore {
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError> {
        Ok(self.secrets.get(name).cloned())
    }

    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.secrets.insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        self.secrets.remove(name);
        Ok(())
    }
}
