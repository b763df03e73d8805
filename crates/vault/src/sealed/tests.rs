use std::fs;

use tempfile::TempDir;
use valetkey_protocol::{ExposeSecret as _, SecretString};

use super::*;

/// As cheap as Argon2 gets: these tests are not about guessing.
const CHEAP: Argon = Argon { memory_kib: 8, passes: 1, lanes: 1 };

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn store(folder: &TempDir) -> SealedStore {
    SealedStore::new(folder.path().join("state/sealed"), SealedKey::Passphrase(CHEAP))
}

fn unlocked(folder: &TempDir) -> SealedStore {
    let mut store = store(folder);
    store.unlock(&secret("hunter2")).unwrap();
    store
}

fn got(store: &mut SealedStore, name: &str) -> Option<String> {
    store.get(name).unwrap().map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn secrets_outlive_the_store_and_need_the_passphrase() {
    let folder = TempDir::new().unwrap();
    let mut first = store(&folder);
    assert_eq!(first.get("a").unwrap_err(), VaultError::NoPassphraseYet);
    assert_eq!(first.set("a", &secret("x")).unwrap_err(), VaultError::NoPassphraseYet);
    assert_eq!(first.unlock(&secret("")).unwrap_err(), VaultError::EmptyPassphrase);
    first.unlock(&secret("hunter2")).unwrap();
    assert_eq!(got(&mut first, "a"), None);
    first.set("a", &secret("one")).unwrap();
    first.set("b", &secret("two")).unwrap();
    first.delete("b").unwrap();
    first.delete("never there").unwrap();

    let mut second = store(&folder);
    assert_eq!(second.get("a").unwrap_err(), VaultError::NeedsPassphrase);
    assert_eq!(second.set("a", &secret("x")).unwrap_err(), VaultError::NeedsPassphrase);
    assert_eq!(second.unlock(&secret("hunter2\n")).unwrap_err(), VaultError::WrongPassphrase);
    second.unlock(&secret("hunter2")).unwrap();
    assert_eq!(got(&mut second, "a").as_deref(), Some("one"));
    assert_eq!(got(&mut second, "b"), None);
    second.lock();
    assert_eq!(second.get("a").unwrap_err(), VaultError::NeedsPassphrase);
}

#[test]
fn two_stores_on_one_file_see_and_keep_each_others_changes() {
    let folder = TempDir::new().unwrap();
    let (mut a, mut b) = (unlocked(&folder), unlocked(&folder));
    a.set("a", &secret("1")).unwrap();
    b.set("b", &secret("2")).unwrap();
    assert_eq!(got(&mut a, "b").as_deref(), Some("2"));
    assert_eq!(got(&mut b, "a").as_deref(), Some("1"));
}

#[test]
fn a_damaged_file_is_reported_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let mut store = unlocked(&folder);
    store.set("a", &secret("one")).unwrap();
    let good = fs::read(&store.path).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (bytes, cut) in [(changed, false), (good[..good.len() - 1].to_vec(), true), (Vec::new(), true)] {
        fs::write(&store.path, &bytes).unwrap();
        let expected = if cut {
            VaultError::Truncated(store.path.clone())
        } else {
            VaultError::Damaged(store.path.clone())
        };
        assert_eq!(store.get("a").unwrap_err(), expected);
        assert_eq!(store.set("a", &secret("two")).unwrap_err(), expected);
        assert_eq!(store.delete("a").unwrap_err(), expected);
        assert_eq!(store.unlock(&secret("hunter2")).unwrap_err(), expected);
        assert_eq!(fs::read(&store.path).unwrap(), bytes, "it was written to");
    }
}

#[test]
fn a_file_for_another_kind_of_key_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let path = unlocked(&folder).path.clone();
    let error = SealedStore::new(&path, SealedKey::Kernel).get("a").unwrap_err();
    assert_eq!(error, VaultError::Foreign(path, "is sealed with a passphrase"));
}

#[test]
fn a_header_cannot_ask_for_the_whole_memory() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let costs = Argon { memory_kib: u32::MAX, ..CHEAP };
    let header = Header::new([0; 16], Kdf::Argon2id { costs, check: [0; 16] });
    fs::create_dir(store.path.parent().unwrap()).unwrap();
    store.write(&header, &Zeroizing::new([0; 32]), &Map::default()).unwrap();
    let mut store = store;
    assert!(
        matches!(store.unlock(&secret("hunter2")), Err(VaultError::Failed(why)) if why.contains("out of range"))
    );
}

#[test]
fn what_a_killed_writer_left_behind_is_no_obstacle() {
    let folder = TempDir::new().unwrap();
    let mut store = unlocked(&folder);
    let left = store.path.with_file_name("sealed.new");
    fs::write(&left, "half").unwrap();
    store.set("a", &secret("one")).unwrap();
    assert!(!left.exists());
    assert_eq!(got(&mut store, "a").as_deref(), Some("one"));
}

#[cfg(unix)]
#[test]
fn a_file_others_could_touch_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = TempDir::new().unwrap();
    let mut store = unlocked(&folder);
    store.set("a", &secret("one")).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store.path), 0o600);
    assert_eq!(mode(store.path.parent().unwrap()), 0o700);

    fs::set_permissions(&store.path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(store.get("a"), Err(VaultError::NotPrivate(_, "others may use it"))));
    assert!(matches!(store.set("a", &secret("two")), Err(VaultError::NotPrivate(..))));

    let moved = folder.path().join("elsewhere");
    fs::rename(&store.path, &moved).unwrap();
    fs::set_permissions(&moved, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&moved, &store.path).unwrap();
    assert!(matches!(store.get("a"), Err(VaultError::NotPrivate(_, "it is a symbolic link"))));
}
