//! Secrets in one encrypted file, for machines without a keyring.
//!
//! The whole map of names and secrets is sealed with XChaCha20-Poly1305 under a fresh nonce at each writing, and the
//! file's header is authenticated with it. The file is read anew at each call and written under a lock, so that
//! processes that share it neither lose nor overtake each other's changes.

mod argon;
mod file;
mod format;
mod kernel;
mod map;

use std::path::PathBuf;

use valetkey_protocol::SecretString;
use zeroize::Zeroizing;

pub use self::argon::Argon;
use self::{
    format::{Header, Kdf, SALT_BYTES, Sealed},
    map::Map,
};
use crate::{Store, VaultError};

/// The key a sealed file is sealed with, in the clear.
type Key = Zeroizing<[u8; 32]>;

/// Where the key of a sealed file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealedKey {
    /// 32 random bytes in the kernel's keyring of this user: nothing to type, and gone with a reboot. Linux only.
    Kernel,
    /// Derived from a passphrase. The costs count for a file that is made anew; one that is there has its own.
    Passphrase(Argon),
}

/// A sealed file as a [`Store`].
#[derive(Debug)]
pub struct SealedStore {
    path: PathBuf,
    source: SealedKey,
    unlocked: Option<Unlocked>,
}

/// A key that was derived from a passphrase, and the header it belongs to.
struct Unlocked {
    header: Header,
    key: Key,
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unlocked")
    }
}

impl SealedStore {
    /// The store in this file, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>, source: SealedKey) -> Self {
        Self { path: path.into(), source, unlocked: None }
    }

    fn read(&self) -> Result<Option<Sealed>, VaultError> {
        let Some(bytes) = file::read(&self.path)? else { return Ok(None) };
        let sealed = Sealed::parse(bytes, &self.path)?;
        match (self.source, sealed.header.kdf) {
            (SealedKey::Kernel, Kdf::Kernel) | (SealedKey::Passphrase(_), Kdf::Argon2id { .. }) => {
                Ok(Some(sealed))
            }
            (SealedKey::Kernel, _) => {
                Err(VaultError::Foreign(self.path.clone(), "is sealed with a passphrase"))
            }
            (SealedKey::Passphrase(_), _) => {
                Err(VaultError::Foreign(self.path.clone(), "is sealed with a key of the kernel"))
            }
        }
    }

    fn key_of(&self, header: &Header) -> Result<Key, VaultError> {
        match self.source {
            SealedKey::Kernel => {
                kernel::find(&header.salt)?.ok_or_else(|| VaultError::KeyLost(self.path.clone()))
            }
            SealedKey::Passphrase(_) => match &self.unlocked {
                Some(unlocked) if unlocked.header.salt == header.salt => Ok(unlocked.key.clone()),
                _ => Err(VaultError::NeedsPassphrase),
            },
        }
    }

    /// Header and key for a file that does not exist yet.
    fn fresh(&self) -> Result<(Header, Key), VaultError> {
        match (self.source, &self.unlocked) {
            (SealedKey::Kernel, _) => {
                let header = Header::new(random()?, Kdf::Kernel);
                let key = Zeroizing::new(random()?);
                kernel::keep(&header.salt, &key)?;
                Ok((header, key))
            }
            (SealedKey::Passphrase(_), Some(unlocked)) => Ok((unlocked.header.clone(), unlocked.key.clone())),
            (SealedKey::Passphrase(_), None) => Err(VaultError::NoPassphraseYet),
        }
    }

    fn open(&self, sealed: Sealed) -> Result<(Header, Key, Map), VaultError> {
        let key = self.key_of(&sealed.header)?;
        let (header, plain) = sealed.open(&key, &self.path)?;
        Ok((header, key, Map::parse(&plain, &self.path)?))
    }

    /// Reads, changes and writes, alone among all processes. Says whether there was anything to write.
    fn change(&self, edit: impl FnOnce(&mut Map) -> bool) -> Result<(), VaultError> {
        let _alone = file::lock(&self.path)?;
        let (header, key, mut map) = if let Some(sealed) = self.read()? {
            self.open(sealed)?
        } else {
            let (header, key) = self.fresh()?;
            (header, key, Map::default())
        };
        if edit(&mut map) { self.write(&header, &key, &map) } else { Ok(()) }
    }

    fn write(&self, header: &Header, key: &Key, map: &Map) -> Result<(), VaultError> {
        let sealed = format::seal(header, key, &random()?, map.to_json())?;
        file::replace(&self.path, &sealed)
    }

    fn seal_anew(&mut self, passphrase: &SecretString, costs: Argon) -> Result<(), VaultError> {
        let salt: [u8; SALT_BYTES] = random()?;
        let derived = argon::derive(passphrase, &salt, costs)?;
        let header = Header::new(salt, Kdf::Argon2id { costs, check: derived.check });
        self.write(&header, &derived.key, &Map::default())?;
        self.unlocked = Some(Unlocked { header, key: derived.key });
        Ok(())
    }
}

impl Store for SealedStore {
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError> {
        let Some(sealed) = self.read()? else {
            return match self.source {
                SealedKey::Passphrase(_) if self.unlocked.is_none() => Err(VaultError::NoPassphraseYet),
                _ => Ok(None),
            };
        };
        Ok(self.open(sealed)?.2.take(name))
    }

    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.change(|map| {
            map.put(name, secret);
            true
        })
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        if self.read()?.is_none() {
            return Ok(());
        }
        self.change(|map| map.take(name).is_some())
    }

    fn probe(&mut self) -> Result<(), VaultError> {
        self.get("")?;
        if self.source == SealedKey::Kernel { kernel::usable() } else { Ok(()) }
    }

    fn unlock(&mut self, passphrase: &SecretString) -> Result<(), VaultError> {
        let SealedKey::Passphrase(costs) = self.source else { return Err(VaultError::NoPassphrase) };
        argon::check_passphrase(passphrase)?;
        let _alone = file::lock(&self.path)?;
        let Some(sealed) = self.read()? else { return self.seal_anew(passphrase, costs) };
        let Kdf::Argon2id { costs, check } = sealed.header.kdf else { return Err(VaultError::NoPassphrase) };
        let derived = argon::derive(passphrase, &sealed.header.salt, costs)?;
        if derived.check != check {
            return Err(VaultError::WrongPassphrase);
        }
        let (header, _) = sealed.open(&derived.key, &self.path)?;
        self.unlocked = Some(Unlocked { header, key: derived.key });
        Ok(())
    }

    fn lock(&mut self) {
        self.unlocked = None;
    }
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Failed(format!("no randomness: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
