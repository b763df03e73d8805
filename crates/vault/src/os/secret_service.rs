//! The freedesktop Secret Service: gnome-keyring, KDE's wallet, KeePassXC and others.
//!
//! The library connects with D-Bus's own calls and without any timeout, and it starts a runtime of its own, so it
//! must run on a thread that has none: [`crate::Vault`]'s.

use std::{fmt, sync::Arc};

use keyring_core::{Entry, Error, api::CredentialStoreApi as _};
use secret_service::{EncryptionType, Error as ServiceError, blocking::SecretService};
use valetkey_protocol::{ExposeSecret as _, SecretString, shown};
use zbus_secret_service_keyring_store::Store as Keyring;

use super::{explain, text};
use crate::{SERVICE, Store, VaultError};

/// The Secret Service as a [`Store`]. It connects when first used, and anew whenever a call fails.
#[derive(Default)]
pub struct OsStore {
    connection: Option<Connection>,
}

impl fmt::Debug for OsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsStore").field("connected", &self.connection.is_some()).finish()
    }
}

struct Connection {
    keyring: Arc<Keyring>,
    /// Asks about the lock; the library above only ever opens it, prompting whoever is there.
    service: SecretService<'static>,
}

impl Connection {
    fn open() -> Result<Self, VaultError> {
        let keyring = Keyring::new().map_err(|error| explain_here(&error))?;
        let service =
            SecretService::connect(EncryptionType::Plain).map_err(|error| explain_service(&error))?;
        Ok(Self { keyring, service })
    }

    fn is_locked(&self) -> Result<bool, VaultError> {
        let locked = self.service.get_default_collection().and_then(|collection| collection.is_locked());
        locked.map_err(|error| explain_service(&error))
    }

    fn entry(&self, name: &str) -> Result<Entry, VaultError> {
        self.keyring.build(SERVICE, name, None).map_err(|error| explain_here(&error))
    }
}

impl OsStore {
    /// Does something over the connection. One that was good before may belong to a daemon that is gone: it is then
    /// opened anew and the same done once more, which every call here bears.
    fn with<T>(&mut self, run: impl Fn(&Connection) -> Result<T, VaultError>) -> Result<T, VaultError> {
        if let Some(connection) = self.connection.take() {
            match run(&connection) {
                Ok(done) => {
                    self.connection = Some(connection);
                    return Ok(done);
                }
                Err(error @ (VaultError::Locked | VaultError::TooLong(_))) => return Err(error),
                Err(_) => {}
            }
        }
        let connection = Connection::open()?;
        let done = run(&connection)?;
        self.connection = Some(connection);
        Ok(done)
    }
}

impl Store for OsStore {
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError> {
        self.with(|connection| match connection.entry(name)?.get_secret() {
            Ok(bytes) => text(bytes).map(Some),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(explain_here(&error)),
        })
    }

    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.with(|connection| {
            let bytes = secret.expose_secret().as_bytes();
            connection.entry(name)?.set_secret(bytes).map_err(|error| explain_here(&error))
        })
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        self.with(|connection| match connection.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(explain_here(&error)),
        })
    }

    fn probe(&mut self) -> Result<(), VaultError> {
        if self.with(Connection::is_locked)? { Err(VaultError::Locked) } else { Ok(()) }
    }

    fn may_prompt(&mut self) -> bool {
        self.with(Connection::is_locked).unwrap_or(false)
    }
}

fn explain_here(error: &Error) -> VaultError {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => match cause.downcast_ref() {
            Some(service) => explain_service(service),
            None => explain(error),
        },
        _ => explain(error),
    }
}

fn explain_service(error: &ServiceError) -> VaultError {
    match error {
        ServiceError::Locked | ServiceError::Prompt => VaultError::Locked,
        ServiceError::PromptDisconnected => VaultError::NotRunning,
        ServiceError::NoResult => VaultError::NoCollection,
        ServiceError::Unavailable => VaultError::Absent,
        ServiceError::Zbus(error) => explain_bus(error),
        ServiceError::ZbusFdo(error) => explain_standard(error),
        other => VaultError::Failed(shown(&other.to_string())),
    }
}

fn explain_bus(error: &zbus::Error) -> VaultError {
    use zbus::Error as Bus;

    match error {
        Bus::Connection(..) | Bus::InputOutput(_) | Bus::Address(_) | Bus::Handshake(_) => VaultError::Absent,
        Bus::FDO(error) => explain_standard(error),
        Bus::MethodError(name, ..) => explain_name(name.as_str()),
        other => VaultError::Failed(shown(&other.to_string())),
    }
}

fn explain_standard(error: &zbus::fdo::Error) -> VaultError {
    use zbus::{DBusError as _, fdo::Error as Standard};

    match error {
        Standard::ZBus(error) => explain_bus(error),
        other => explain_name(other.name().as_str()),
    }
}

/// An error by its name on the bus (D-Bus specification, Secret Service API 0.2 "Errors"). The text that comes with
/// it is the service's own and may say anything, so it is not shown.
fn explain_name(name: &str) -> VaultError {
    const STANDARD: &str = "org.freedesktop.DBus.Error.";
    match name.strip_prefix(STANDARD).unwrap_or(name) {
        "ServiceUnknown" | "NameHasNoOwner" | "NoReply" | "Disconnected" => VaultError::NotRunning,
        spawn if spawn.starts_with("Spawn.") => VaultError::NotRunning,
        "org.freedesktop.Secret.Error.IsLocked" => VaultError::Locked,
        _ => VaultError::Failed(format!("the keyring answered `{}`", shown(name))),
    }
}
