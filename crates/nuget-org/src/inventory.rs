//! Which keys there are: names, owners, patterns, operations and ends. Never a value.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Key, KeyName, key::secret_name};

mod file;
#[cfg(test)]
mod tests;

/// The longest file that is read, in bytes.
const MAX: u64 = 1024 * 1024;

/// The version of the file's form. A file of another one, or with anything unknown in it, is left alone.
const FORM: u32 = 1;

/// Every key that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Inventory {
    form: u32,
    /// The number of the secret that is kept next.
    next_slot: u64,
    keys: Vec<Key>,
    /// Names of secrets that no key needs any more and that may still rest in the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) leftover: Vec<String>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self { form: FORM, next_slot: 1, keys: Vec::new(), leftover: Vec::new() }
    }
}

impl Inventory {
    /// The keys, in the order of their names.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key of a name.
    pub fn find(&self, name: &KeyName) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == *name)
    }

    pub(crate) fn find_mut(&mut self, name: &KeyName) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.name == *name)
    }

    /// Puts a key in, in place of the one of its name, whose secret becomes a leftover.
    pub(crate) fn put(&mut self, key: Key) {
        self.remove(&key.name);
        let mine = key.secret_name();
        self.leftover.retain(|name| *name != mine);
        self.keys.push(key);
        self.keys.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Takes a key out; its secret becomes a leftover.
    pub(crate) fn remove(&mut self, name: &KeyName) -> Option<Key> {
        let at = self.keys.iter().position(|key| key.name == *name)?;
        let key = self.keys.remove(at);
        self.leftover.push(key.secret_name());
        Some(key)
    }

    /// A number for a secret that is about to be kept. Until a key has it, the secret counts as a leftover.
    pub(crate) fn reserve(&mut self, name: &KeyName) -> u64 {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.leftover.push(secret_name(name, slot));
        slot
    }
}

/// The file of the inventory, `nuget-keys.json` in the folder for state.
#[derive(Debug, Clone)]
pub struct InventoryFile {
    path: PathBuf,
}

/// The inventory while nobody else can change it.
#[derive(Debug)]
pub struct Locked<'a> {
    path: &'a Path,
    _lock: File,
    /// What is in the file, or will be after [`Locked::save`].
    pub inventory: Inventory,
}

impl InventoryFile {
    /// The file in a folder. Nothing is read yet.
    pub fn in_folder(state_dir: &Path) -> Self {
        Self { path: state_dir.join("nuget-keys.json") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it: nothing, where there is no file.
    pub fn read(&self) -> Result<Inventory, InventoryError> {
        let failed = |source| InventoryError::Io { path: self.path.clone(), source };
        let file = match file::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Inventory::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        let inventory = (bytes.len() as u64 <= MAX).then(|| serde_json::from_slice::<Inventory>(&bytes).ok());
        match inventory.flatten() {
            Some(inventory) if inventory.form == FORM => Ok(inventory),
            _ => Err(InventoryError::NotOurs(self.path.clone())),
        }
    }

    /// Waits until nobody else changes it, and reads it.
    pub fn lock(&self) -> Result<Locked<'_>, InventoryError> {
        if let Some(folder) = self.path.parent() {
            valetkey_paths::trust::ensure_private_dir(folder).map_err(InventoryError::Folder)?;
        }
        let lock = file::lock(&self.path)
            .map_err(|source| InventoryError::Io { path: self.path.clone(), source })?;
        Ok(Locked { path: &self.path, _lock: lock, inventory: self.read()? })
    }
}

impl Locked<'_> {
    /// Writes the inventory: at every moment the whole old file or the whole new one is there, for its owner only.
    pub fn save(&self) -> Result<(), InventoryError> {
        let failed = |source| InventoryError::Io { path: self.path.to_owned(), source };
        let mut bytes = serde_json::to_vec_pretty(&self.inventory).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        file::replace(self.path, &bytes).map_err(failed)
    }
}

/// The inventory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The folder cannot be trusted.
    #[error(transparent)]
    Folder(valetkey_paths::PathError),
    /// The disk, or the rights on it.
    #[error("the list of keys `{}` cannot be used: {}", path.display(), source.kind())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is damaged, or of a later version of this program.
    #[error("the list of keys `{}` is damaged, or of a later version", .0.display())]
    NotOurs(PathBuf),
}

impl InventoryError {
    /// What to do next: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Io { path, .. } => format!("check the rights on `{}`", path.display()),
            Self::NotOurs(path) => {
                format!("update `valetkey`, or move `{}` away and add the keys again", path.display())
            }
        }
    }
}
