//! From a passphrase to a key: Argon2id (RFC 9106).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Key, format::SALT_BYTES};
use crate::VaultError;

/// What a guess at a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argon {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Argon {
    /// RFC 9106 §4, the second recommended option: 64 MiB, three passes, four lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

impl Argon {
    /// Whether a header may ask for this much. It is read before anything proves who wrote it.
    fn is_bearable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 64 && self.lanes <= 64
    }
}

/// What a passphrase becomes.
pub(super) struct Derived {
    pub(super) key: Key,
    /// Kept in the header, to tell a wrong passphrase from a damaged file. The key does not follow from it.
    pub(super) check: [u8; 16],
}

/// Derives key and check value; takes a good part of a second at the default costs.
pub(super) fn derive(
    passphrase: &SecretString,
    salt: &[u8; SALT_BYTES],
    costs: Argon,
) -> Result<Derived, VaultError> {
    let unusable = |_| VaultError::Failed("the costs of the passphrase are out of range".to_owned());
    if !costs.is_bearable() {
        return Err(unusable(argon2::Error::MemoryTooMuch));
    }
    let params = Params::new(costs.memory_kib, costs.passes, costs.lanes, Some(48)).map_err(unusable)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let mut out = Zeroizing::new([0; 48]);
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase.expose_secret().as_bytes(),
        salt,
        out.as_mut(),
        &mut memory,
    );
    memory.iter_mut().for_each(Block::zeroize);
    done.map_err(unusable)?;
    let mut derived = Derived { key: Zeroizing::new([0; 32]), check: [0; 16] };
    derived.key.copy_from_slice(&out[..32]);
    derived.check.copy_from_slice(&out[32..]);
    Ok(derived)
}

/// Refuses a passphrase that is none.
pub(super) fn check_passphrase(passphrase: &SecretString) -> Result<(), VaultError> {
    if passphrase.expose_secret().is_empty() { Err(VaultError::EmptyPassphrase) } else { Ok(()) }
}
