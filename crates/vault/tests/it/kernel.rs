//! A sealed file whose key the kernel holds.

use std::{fs, path::Path};

use linux_keyutils::{KeyRing, KeyRingIdentifier};
use tempfile::TempDir;

use crate::{
    probe::{self, Probe},
    skip::skip,
};

/// A vault over this file, or nothing where the kernel gives no keyring, as in most containers.
fn vault(path: &Path) -> Option<Probe> {
    let mut vault = Probe::start(&mut probe::command(&["20000", "kernel", path.to_str().unwrap()]));
    match vault.ask("probe") {
        answer if answer.starts_with("NoKernelKeyring") => {
            skip(&format!("the kernel keyring cannot be used: {answer}"));
            None
        }
        _ => Some(vault),
    }
}

/// What a reboot does, for one file.
fn forget_key(path: &Path) {
    let file = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let salt = file.split("\"salt\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).unwrap();
    let _ = KeyRing::get_persistent(KeyRingIdentifier::Thread);
    let _ = own.link_keyring_id(KeyRingIdentifier::User);
    own.search(&format!("valetkey:sealed:{salt}")).unwrap().invalidate().unwrap();
}

#[test]
fn the_key_outlives_the_process_and_is_not_in_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    let Some(mut first) = vault(&path) else { return };
    assert_eq!(first.ask("get a"), "none");
    assert!(!path.exists());
    assert_eq!(first.ask("set a refresh-token-1"), "done");
    first.kill();
    let mut second = vault(&path).unwrap();
    assert_eq!(second.ask("get a"), "some refresh-token-1");
    assert_eq!(second.ask("unlock hunter2"), "NoPassphrase");
    assert_eq!(second.ask("status"), "Sealed Ready: ; ");
    forget_key(&path);
}

#[test]
fn a_lost_key_says_so_and_the_file_stays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    let Some(mut vault) = vault(&path) else { return };
    assert_eq!(vault.ask("set a refresh-token-1"), "done");
    let before = fs::read(&path).unwrap();
    forget_key(&path);
    assert!(vault.ask("get a").starts_with("KeyLost"));
    assert!(vault.ask("set a refresh-token-2").starts_with("KeyLost"));
    let status = vault.ask("status");
    assert!(status.contains("as after a reboot; nothing in it can be read any more: remove `"), "{status}");
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    assert_eq!(vault.ask("set a refresh-token-3"), "done");
    assert_eq!(vault.ask("get a"), "some refresh-token-3");
    forget_key(&path);
}
