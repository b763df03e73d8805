//! The key of a sealed file in the kernel's keyring of this user.
//!
//! It is linked in two places: the persistent keyring, which outlives a logout on every kernel and forgets after
//! three days without use, and the user keyring, which does not forget. A process that joined no session keyring
//! (cron, `su`, a CI runner) may add to these and not read them: only a possessor may read, and possession runs
//! through a keyring of the process's own. So both are first linked to the keyring of the thread that asks.
//! (persistent-keyring(7), user-keyring(7), thread-keyring(7), keyrings(7) "Possession".)

use super::{Key, format::SALT_BYTES};
use crate::VaultError;

#[cfg(target_os = "linux")]
mod linux {
    use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    use super::{Key, SALT_BYTES, VaultError};
    use crate::sealed::format::hex;

    fn unusable(error: KeyError) -> VaultError {
        VaultError::NoKernelKeyring(match error {
            KeyError::QuotaExceeded => "this user's quota is used up".to_owned(),
            KeyError::AccessDenied | KeyError::PermissionDenied => {
                "not permitted, as in most containers".to_owned()
            }
            KeyError::Unknown(number) => std::io::Error::from_raw_os_error(number).to_string(),
            error => format!("{error:?}"),
        })
    }

    /// The keyrings to look in, possessed by this thread: at least one, best first.
    fn rings() -> Result<Vec<KeyRing>, VaultError> {
        let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(unusable)?;
        let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)
            .and_then(|ring| own.link_keyring(ring).map(|()| ring));
        let persistent = KeyRing::get_persistent(KeyRingIdentifier::Thread);
        match (persistent, user) {
            (Err(error), Err(_)) => Err(unusable(error)),
            (persistent, user) => Ok(persistent.into_iter().chain(user).collect()),
        }
    }

    fn description(salt: &[u8; SALT_BYTES]) -> String {
        format!("valetkey:sealed:{}", hex::of(salt))
    }

    pub(crate) fn usable() -> Result<(), VaultError> {
        rings().map(drop)
    }

    pub(crate) fn find(salt: &[u8; SALT_BYTES]) -> Result<Option<Key>, VaultError> {
        let rings = rings()?;
        let mut found = None;
        for ring in &rings {
            match ring.search(&description(salt)) {
                Ok(key) => found = found.or(Some(key)),
                Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => {}
                Err(error) => return Err(unusable(error)),
            }
        }
        let Some(key) = found else { return Ok(None) };
        for ring in &rings {
            let _ = ring.link_key(key);
        }
        let mut bytes: Key = Zeroizing::new([0; 32]);
        match key.read(&mut *bytes) {
            Ok(32) => Ok(Some(bytes)),
            Ok(_) => Ok(None),
            Err(error) => Err(unusable(error)),
        }
    }

    pub(crate) fn keep(salt: &[u8; SALT_BYTES], bytes: &Key) -> Result<(), VaultError> {
        let rings = rings()?;
        let (first, others) = rings.split_first().ok_or_else(|| unusable(KeyError::KeyringDoesNotExist))?;
        let key = first.add_key(&description(salt), bytes.as_slice()).map_err(unusable)?;
        for ring in others {
            let _ = ring.link_key(key);
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{find, keep, usable};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Key, SALT_BYTES, VaultError};

    fn absent() -> VaultError {
        VaultError::NoKernelKeyring("only Linux has one".to_owned())
    }

    pub(crate) fn usable() -> Result<(), VaultError> {
        Err(absent())
    }

    pub(crate) fn find(_salt: &[u8; SALT_BYTES]) -> Result<Option<Key>, VaultError> {
        Err(absent())
    }

    pub(crate) fn keep(_salt: &[u8; SALT_BYTES], _bytes: &Key) -> Result<(), VaultError> {
        Err(absent())
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{find, keep, usable};
