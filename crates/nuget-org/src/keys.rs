//! Keys with their values: put in, used, refreshed, taken out.
//!
//! Whatever interrupts a change, no key is lost and no value is forgotten in the vault: a value is on the list of
//! leftovers before it is kept and after it is replaced, and leftovers are deleted with the next change. All
//! functions block on the disk and the vault.

use valetkey_protocol::{SecretString, same_secret};

use crate::{
    Answered, Inventory, InventoryError, InventoryFile, Key, KeyName, Locked, NugetError, NugetOrg,
    PackageId, PackageVersion, Pasted, Secrets, Verdict,
};

/// The keys of one user.
#[derive(Debug)]
pub struct Keys<S> {
    file: InventoryFile,
    secrets: S,
}

/// A refresh that a person is about to do on nuget.org.
#[derive(Debug, Clone)]
pub struct Refresh {
    key: Key,
    /// Where it is done.
    pub page: String,
}

impl Refresh {
    /// The key as it was when the refresh began.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What the person has to do there, step by step.
    pub fn steps(&self) -> [String; 3] {
        let Key { name, owner, .. } = &self.key;
        [
            format!("open {} and sign in", self.page),
            format!(
                "find the key kept here as `{name}` (owner {owner}) and choose `Refresh`: the old value dies at once"
            ),
            "choose `Copy` and paste the new value here: it is shown only once".to_owned(),
        ]
    }
}

/// What shows that a new value is good before the old one is dropped.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// nuget.org takes it for this package, which should be there.
    Package(&'a PackageId, &'a PackageVersion),
    /// The person says so. Only for keys that cannot push, which nuget.org's check refuses however good they are.
    Person,
}

/// Keys could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The list of keys.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The place of their values.
    #[error("{0}")]
    Secrets(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// nuget.org.
    #[error(transparent)]
    Nuget(#[from] NugetError),
    /// The name is taken.
    #[error("there is a key `{0}` already")]
    Exists(KeyName),
    /// There is no key of that name.
    #[error("there is no key `{0}`")]
    NoSuch(KeyName),
    /// It is on the list and its value is not in the vault.
    #[error("the value of the key `{0}` is gone from the vault")]
    NoValue(KeyName),
    /// The key may do nothing.
    #[error("the key `{0}` has no operation")]
    NoOperation(KeyName),
    /// What was pasted is over by its own account.
    #[error("the value pasted for `{0}` has expired")]
    Over(KeyName),
    /// What was pasted is the value that is to be replaced.
    #[error("this is the old value of `{0}`")]
    Same(KeyName),
    /// The key was changed by somebody else meanwhile.
    #[error("the key `{0}` was changed meanwhile")]
    Changed(KeyName),
    /// A key that can push must be shown to work.
    #[error("the new value of `{0}` cannot be taken unchecked")]
    Unproven(KeyName),
}

impl KeysError {
    /// What to do next: one line, empty when the source says it.
    pub fn hint(&self) -> String {
        match self {
            Self::Inventory(error) => error.hint(),
            Self::Nuget(error) => error.hint.clone(),
            Self::Secrets(_) => String::new(),
            Self::Exists(name) => {
                format!("choose another name, or run `valetkey nuget keys refresh {name}`")
            }
            Self::NoSuch(_) => "see the names with `valetkey nuget keys list`".to_owned(),
            Self::NoValue(name) | Self::Changed(name) => format!("run `valetkey nuget keys refresh {name}`"),
            // There may be no key of that name yet.
            Self::Over(_) => "make or refresh it on `https://www.nuget.org/account/apikeys`, then paste the value shown there".to_owned(),
            Self::NoOperation(_) => "name one of `push`, `push-version`, `unlist`".to_owned(),
            Self::Same(_) => "refresh the key on nuget.org first, then paste the new value".to_owned(),
            Self::Unproven(_) => "name a package and a version of yours that are on nuget.org".to_owned(),
        }
    }
}

impl<S: Secrets> Keys<S> {
    /// The keys on a list, with their values in a vault.
    pub fn new(file: InventoryFile, secrets: S) -> Self {
        Self { file, secrets }
    }

    /// What is on the list.
    pub fn inventory(&self) -> Result<Inventory, KeysError> {
        Ok(self.file.read()?)
    }

    /// The key of a name.
    pub fn find(&self, name: &KeyName) -> Result<Key, KeysError> {
        self.inventory()?.find(name).cloned().ok_or_else(|| KeysError::NoSuch(name.clone()))
    }

    /// Puts a key in. Its end and its shape are what the value itself says, where it says so.
    pub fn add(&self, key: Key, value: &Pasted, now: u64) -> Result<Key, KeysError> {
        let key = dated(key, value, now)?;
        if key.operations.is_empty() {
            return Err(KeysError::NoOperation(key.name));
        }
        let mut locked = self.file.lock()?;
        if locked.inventory.find(&key.name).is_some() {
            return Err(KeysError::Exists(key.name));
        }
        self.store(&mut locked, key, &value.secret)
    }

    /// Takes a key out, here only: on nuget.org it lives on until it is deleted there.
    pub fn remove(&self, name: &KeyName) -> Result<Key, KeysError> {
        let mut locked = self.file.lock()?;
        let key = locked.inventory.remove(name).ok_or_else(|| KeysError::NoSuch(name.clone()))?;
        locked.save()?;
        self.sweep(&mut locked)?;
        Ok(key)
    }

    /// A key's value.
    pub fn value(&self, key: &Key) -> Result<SecretString, KeysError> {
        let found = self.secrets.get(&key.secret_name()).map_err(|error| KeysError::Secrets(error.into()))?;
        found.ok_or_else(|| KeysError::NoValue(key.name.clone()))
    }

    /// Changes what is known of a key: patterns, operations, end. Its name and its value stay.
    pub fn change(&self, name: &KeyName, change: impl FnOnce(&mut Key)) -> Result<Key, KeysError> {
        let mut locked = self.file.lock()?;
        let key = locked.inventory.find_mut(name).ok_or_else(|| KeysError::NoSuch(name.clone()))?;
        let slot = key.slot;
        change(key);
        key.name = name.clone();
        key.slot = slot;
        let key = key.clone();
        if key.operations.is_empty() {
            return Err(KeysError::NoOperation(key.name));
        }
        locked.save()?;
        Ok(key)
    }

    /// Notes that nuget.org does not take a value any more. A value that replaced it meanwhile is not meant.
    pub fn note_refused(&self, key: &Key, now: u64) -> Result<(), KeysError> {
        let mut locked = self.file.lock()?;
        match locked.inventory.find_mut(&key.name).filter(|known| known.slot == key.slot) {
            Some(known) => known.refused_at = Some(now),
            None => return Ok(()),
        }
        Ok(locked.save()?)
    }

    /// Begins a refresh. Nothing changes here, and the old value stays in use.
    pub fn begin_refresh(&self, name: &KeyName, nuget: &NugetOrg) -> Result<Refresh, KeysError> {
        Ok(Refresh { key: self.find(name)?, page: nuget.keys_page() })
    }

    /// Ends a refresh: the new value is shown to nuget.org, then takes the old one's place, and only then the old one
    /// is dropped. Where anything fails the old one stays. `expires_at` is what the person says of an older key's
    /// new end.
    pub async fn complete_refresh(
        &self,
        refresh: &Refresh,
        value: &Pasted,
        expires_at: Option<u64>,
        proof: Proof<'_>,
        nuget: &NugetOrg,
        now: u64,
    ) -> Result<Answered<(Key, Option<Verdict>)>, KeysError> {
        let old = &refresh.key;
        let key = dated(Key { expires_at, refused_at: None, ..old.clone() }, value, now)?;
        match self.value(old) {
            Ok(before) if same_secret(&before, &value.secret) => return Err(KeysError::Same(key.name)),
            Ok(_) | Err(KeysError::NoValue(_)) => {}
            Err(error) => return Err(error),
        }
        let (verdict, warnings) = match proof {
            Proof::Package(id, version) => {
                let Answered { value: verdict, warnings } = nuget.verify(&value.secret, id, version).await?;
                (Some(verdict), warnings)
            }
            Proof::Person if !old.operations.can_push() => (None, Vec::new()),
            Proof::Person => return Err(KeysError::Unproven(key.name)),
        };
        let mut locked = self.file.lock()?;
        if locked.inventory.find(&key.name).map(|known| known.slot) != Some(old.slot) {
            return Err(KeysError::Changed(key.name));
        }
        let key = self.store(&mut locked, key, &value.secret)?;
        Ok(Answered { value: (key, verdict), warnings })
    }

    /// Keeps a value and then the key that needs it, in place of the one of the same name.
    fn store(&self, locked: &mut Locked<'_>, key: Key, value: &SecretString) -> Result<Key, KeysError> {
        let key = Key { slot: locked.inventory.reserve(&key.name), ..key };
        locked.save()?;
        self.secrets.set(&key.secret_name(), value).map_err(|error| KeysError::Secrets(error.into()))?;
        locked.inventory.put(key.clone());
        locked.save()?;
        self.sweep(locked)?;
        Ok(key)
    }

    /// Deletes values that no key needs. What cannot be deleted now stays on the list.
    fn sweep(&self, locked: &mut Locked<'_>) -> Result<(), KeysError> {
        let before = locked.inventory.leftover.len();
        locked.inventory.leftover.retain(|name| self.secrets.delete(name).is_err());
        if locked.inventory.leftover.len() != before {
            locked.save()?;
        }
        Ok(())
    }
}

/// The key with what its value says of itself.
fn dated(key: Key, value: &Pasted, now: u64) -> Result<Key, KeysError> {
    let key = Key { kind: value.kind(), expires_at: value.expires_at().or(key.expires_at), ..key };
    if key.expires_at.is_some_and(|end| end <= now) {
        return Err(KeysError::Over(key.name));
    }
    Ok(key)
}
