//! The operating system's keyring: Secret Service, Credential Manager or Keychain, by the `keyring` crates.

#[cfg(any(windows, target_os = "macos"))]
mod native;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;

#[cfg(any(windows, target_os = "macos"))]
pub use native::OsStore;
#[cfg(all(unix, not(target_os = "macos")))]
pub use secret_service::OsStore;

#[cfg(any(windows, target_os = "macos"))]
use keyring::Error;
#[cfg(all(unix, not(target_os = "macos")))]
use keyring_core::Error;

use valetkey_protocol::{SecretString, shown};
use zeroize::Zeroizing;

use crate::VaultError;

/// Bytes of the keyring as the text that was put there. KDE's wallet holds text only, so text is what we put.
fn text(bytes: Vec<u8>) -> Result<SecretString, VaultError> {
    let bytes = Zeroizing::new(bytes);
    str::from_utf8(&bytes)
        .map(SecretString::from)
        .map_err(|_| VaultError::Failed("the keyring's entry is no text".to_owned()))
}

/// The failures every platform has. What an error carries may be a secret, so only what is known to be none is kept.
fn explain(error: &Error) -> VaultError {
    let why = match error {
        Error::TooLong(_, limit) => return VaultError::TooLong(*limit),
        Error::NoDefaultStore => return VaultError::Absent,
        Error::Ambiguous(_) => "the keyring holds two entries of one name".to_owned(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "the keyring's entry is no text".to_owned(),
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => cause.to_string(),
        Error::BadStoreFormat(why) | Error::NotSupportedByStore(why) | Error::Invalid(_, why) => why.clone(),
        _ => "the keyring failed".to_owned(),
    };
    VaultError::Failed(shown(&why))
}
