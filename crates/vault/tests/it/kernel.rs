//! A sealed file whose key the kernel holds.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};
use tempfile::TempDir;

use crate::{
    probe::{self, Probe},
    skip::{have, skip},
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

/// The keyring that forgets after three days without use, where there is one.
fn persistent() -> Option<KeyRing> {
    KeyRing::get_persistent(KeyRingIdentifier::Thread).ok()
}

/// The kernel's key of this file.
fn key_of(path: &Path) -> Key {
    let file = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let salt = file.split("\"salt\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).unwrap();
    let _ = persistent();
    let _ = own.link_keyring_id(KeyRingIdentifier::User);
    own.search(&format!("valetkey:sealed:{salt}")).unwrap()
}

/// What a reboot does, for one file.
fn forget_key(path: &Path) {
    key_of(path).invalidate().unwrap();
}

#[test]
fn a_long_weekend_does_not_lose_the_key() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    let Some(mut first) = vault(&path) else { return };
    if !have(&["keyctl"]) {
        return;
    }
    let Some(persistent) = persistent() else { return skip("this kernel has no persistent keyrings") };
    assert_eq!(first.ask("set a one"), "done");
    persistent.unlink_key(key_of(&path)).unwrap();
    // A session keyring of its own links to neither of the user's keyrings, as in a cron job.
    let mut command = Command::new("keyctl");
    command.args(["session", "-"]).arg(probe::program()).args(["20000", "kernel", path.to_str().unwrap()]);
    let mut later = Probe::start(command.stderr(Stdio::null()));
    assert_eq!(later.ask("get a"), "some one");
    assert!(
        persistent.search(key_of(&path).metadata().unwrap().get_description()).is_ok(),
        "it was not put back"
    );
    forget_key(&path);
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
