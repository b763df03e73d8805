//! Keys with their values, from the first to the last.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use valetkey_nuget_org::{
    InventoryFile, Key, KeyKind, KeyName, Keys, KeysError, NugetErrorKind as Kind, Operations, Pasted, Proof,
    Refresh, Secrets, Verdict, Warning,
};
use valetkey_protocol::{ExposeSecret as _, SecretString};

use crate::server::{KEY, Server, id, version};

const NOW: u64 = 1_800_000_000;
const GONE: &str = "A package with ID 'Contoso.Data' and version '1.0.0' does not exist.";
/// One that ended in 2024.
const OLD_V5: &str =
    concat!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "JQQJ99ALN5Z0000LZENeS003NUGT3OrW");

/// A place for secrets whose lock can be stuck.
#[derive(Default)]
pub(crate) struct Memory {
    values: Mutex<BTreeMap<String, SecretString>>,
    no_set: AtomicBool,
    no_delete: AtomicBool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Stuck;

impl std::fmt::Display for Stuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the vault is stuck")
    }
}

impl std::error::Error for Stuck {}

impl Secrets for &Memory {
    type Error = Stuck;

    fn get(&self, name: &str) -> Result<Option<SecretString>, Stuck> {
        Ok(self.values.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Stuck> {
        if self.no_set.load(Relaxed) {
            return Err(Stuck);
        }
        self.values.lock().unwrap().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), Stuck> {
        if self.no_delete.load(Relaxed) {
            return Err(Stuck);
        }
        self.values.lock().unwrap().remove(name);
        Ok(())
    }
}

impl Secrets for Memory {
    type Error = Stuck;

    fn get(&self, name: &str) -> Result<Option<SecretString>, Stuck> {
        (&self).get(name)
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Stuck> {
        (&self).set(name, secret)
    }

    fn delete(&self, name: &str) -> Result<(), Stuck> {
        (&self).delete(name)
    }
}

impl Memory {
    fn names(&self) -> Vec<String> {
        self.values.lock().unwrap().keys().cloned().collect()
    }
}

struct Place {
    _folder: tempfile::TempDir,
    file: InventoryFile,
    memory: Memory,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = InventoryFile::in_folder(&folder.path().canonicalize().unwrap());
        Self { _folder: folder, file, memory: Memory::default() }
    }

    fn keys(&self) -> Keys<&Memory> {
        Keys::new(self.file.clone(), &self.memory)
    }

    /// With the key `ci` in it.
    fn with(operations: &str) -> Self {
        let place = Self::new();
        place.keys().add(key("ci", operations), &value('a'), NOW).unwrap();
        place
    }
}

fn key(name: &str, operations: &str) -> Key {
    let operations = Operations::parse(operations).unwrap();
    Key { operations, ..Key::new(KeyName::parse(name).unwrap(), "contoso", KeyKind::V4) }
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

/// A value; another one for each letter.
fn value(letter: char) -> Pasted {
    Pasted::parse(&KEY.replace('z', &letter.to_string()).into()).unwrap()
}

/// Ends a refresh of `ci` with the value `b` at a server that says this to the check.
async fn refreshed(place: &Place, status: u16, body: &str) -> Result<(Key, Option<Verdict>), KeysError> {
    let server = Server::saying(status, &[("x-nuget-warning", "Your API key expires in 1 day.")], body).await;
    let nuget = server.nuget();
    let refresh = place.keys().begin_refresh(&name("ci"), &nuget).unwrap();
    let (id, version) = (id("Contoso.Data"), version("1"));
    let proof = Proof::Package(&id, &version);
    let answered =
        place.keys().complete_refresh(&refresh, &value('b'), Some(NOW + 9), proof, &nuget, NOW).await;
    assert_eq!(server.asked()[0].header("x-nuget-apikey"), value('b').secret.expose_secret());
    answered.map(|answered| {
        assert_eq!(answered.warnings, [Warning::Expires { days: 1 }]);
        answered.value
    })
}

fn kept(place: &Place) -> String {
    let keys = place.keys();
    keys.value(&keys.find(&name("ci")).unwrap()).unwrap().expose_secret().to_owned()
}

#[test]
fn in_and_out() {
    let place = Place::with("push");
    let keys = place.keys();
    assert_eq!(kept(&place), value('a').secret.expose_secret());
    assert!(matches!(keys.add(key("ci", "push"), &value('b'), NOW), Err(KeysError::Exists(_))));
    assert!(matches!(keys.add(key("x", ""), &value('b'), NOW), Err(KeysError::NoOperation(_))));
    keys.add(key("other", "unlist"), &value('c'), NOW).unwrap();
    assert_eq!(keys.inventory().unwrap().keys().len(), 2);
    keys.remove(&name("ci")).unwrap();
    assert!(matches!(keys.remove(&name("ci")), Err(KeysError::NoSuch(_))));
    assert!(matches!(keys.find(&name("ci")), Err(KeysError::NoSuch(_))));
    assert_eq!(place.memory.names(), ["nuget-org/other/2"]);
}

#[test]
fn no_value_is_in_the_file() {
    let place = Place::with("push");
    let text = std::fs::read_to_string(place.file.path()).unwrap();
    assert!(text.contains("\"ci\"") && !text.contains("oy2"));
}

#[test]
fn a_value_that_says_its_own_end_is_believed() {
    let place = Place::new();
    let spent = Pasted::parse(&OLD_V5.into()).unwrap();
    let asked = Key { expires_at: Some(NOW + 5), ..key("ci", "push") };
    assert!(matches!(place.keys().add(asked.clone(), &spent, NOW), Err(KeysError::Over(_))));
    let added = place.keys().add(asked, &spent, 1_733_405_400).unwrap();
    assert_eq!((added.kind, added.expires_at), (KeyKind::V5, Some(1_733_406_300)));
    assert!(matches!(
        place.keys().add(Key { expires_at: Some(NOW), ..key("b", "push") }, &value('a'), NOW),
        Err(KeysError::Over(_))
    ));
}

#[tokio::test]
async fn the_old_value_goes_only_when_the_new_one_is_taken() {
    let place = Place::with("push");
    place.keys().note_refused(&place.keys().find(&name("ci")).unwrap(), NOW).unwrap();
    let (key, verdict) = refreshed(&place, 200, "").await.unwrap();
    assert_eq!((verdict, key.expires_at, key.refused_at), (Some(Verdict::MayPush), Some(NOW + 9), None));
    assert_eq!(kept(&place), value('b').secret.expose_secret());
    assert_eq!(place.memory.names(), ["nuget-org/ci/2"]);

    let place = Place::with("push");
    let (_, verdict) = refreshed(&place, 404, GONE).await.unwrap();
    assert_eq!(verdict, Some(Verdict::NoSuchPackage));

    for (status, body) in [(403, ""), (401, ""), (500, ""), (404, "what?"), (200, "<html>"), (429, "")] {
        let place = Place::with("push");
        let before = place.keys().inventory().unwrap();
        let error = refreshed(&place, status, body).await.unwrap_err();
        assert!(matches!(error, KeysError::Nuget(_)) && !error.hint().is_empty(), "{status}: {error:?}");
        assert_eq!(kept(&place), value('a').secret.expose_secret());
        assert_eq!(place.keys().inventory().unwrap(), before);
        assert_eq!(place.memory.names(), ["nuget-org/ci/1"]);
    }
}

#[tokio::test]
async fn what_fails_on_the_way_leaves_the_old_value_and_the_next_change_tidies_up() {
    let place = Place::with("push");
    place.memory.no_set.store(true, Relaxed);
    let error = refreshed(&place, 200, "").await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), kept(&place)),
        ("the vault is stuck", value('a').secret.expose_secret().into())
    );

    place.memory.no_set.store(false, Relaxed);
    place.memory.no_delete.store(true, Relaxed);
    refreshed(&place, 200, "").await.unwrap();
    assert_eq!(kept(&place), value('b').secret.expose_secret());
    assert_eq!(place.memory.names(), ["nuget-org/ci/1", "nuget-org/ci/3"]);

    place.memory.no_delete.store(false, Relaxed);
    place.keys().add(key("other", "push"), &value('c'), NOW).unwrap();
    assert_eq!(place.memory.names(), ["nuget-org/ci/3", "nuget-org/other/4"]);
    assert!(!std::fs::read_to_string(place.file.path()).unwrap().contains("leftover"));
}

async fn finish(place: &Place, refresh: &Refresh, letter: char, proof: Proof<'_>) -> Result<Key, KeysError> {
    let server = Server::saying(200, &[], "").await;
    let keys = place.keys();
    let answered = keys.complete_refresh(refresh, &value(letter), None, proof, &server.nuget(), NOW).await;
    answered.map(|answered| answered.value.0)
}

#[tokio::test]
async fn what_is_no_refresh() {
    let place = Place::with("push");
    let nuget = Server::saying(200, &[], "").await.nuget();
    let refresh = place.keys().begin_refresh(&name("ci"), &nuget).unwrap();
    let (id, version) = (id("Contoso.Data"), version("1"));
    let package = Proof::Package(&id, &version);
    assert!(matches!(finish(&place, &refresh, 'a', package).await, Err(KeysError::Same(_))));
    assert!(matches!(finish(&place, &refresh, 'b', Proof::Person).await, Err(KeysError::Unproven(_))));
    finish(&place, &refresh, 'b', package).await.unwrap();
    assert!(matches!(finish(&place, &refresh, 'c', package).await, Err(KeysError::Changed(_))));
    assert_eq!(kept(&place), value('b').secret.expose_secret());
    assert!(matches!(place.keys().begin_refresh(&name("no"), &nuget), Err(KeysError::NoSuch(_))));
}

#[tokio::test]
async fn a_key_that_only_unlists_is_taken_at_a_persons_word() {
    let place = Place::with("unlist");
    let nuget = Server::saying(500, &[], "").await.nuget();
    let refresh = place.keys().begin_refresh(&name("ci"), &nuget).unwrap();
    assert!(refresh.steps()[0].contains("/account/apikeys") && refresh.steps()[1].contains("`ci`"));
    finish(&place, &refresh, 'b', Proof::Person).await.unwrap();
    assert_eq!(kept(&place), value('b').secret.expose_secret());
}

#[tokio::test]
async fn a_value_lost_from_the_vault_is_refreshed_all_the_same() {
    let place = Place::with("push");
    place.memory.values.lock().unwrap().clear();
    let keys = place.keys();
    assert!(matches!(keys.value(&keys.find(&name("ci")).unwrap()), Err(KeysError::NoValue(_))));
    refreshed(&place, 200, "").await.unwrap();
    assert_eq!(kept(&place), value('b').secret.expose_secret());
}

#[tokio::test]
async fn a_late_refusal_of_the_old_value_does_not_mark_the_new_one() {
    let place = Place::with("push");
    let old = place.keys().find(&name("ci")).unwrap();
    refreshed(&place, 200, "").await.unwrap();
    place.keys().note_refused(&old, NOW).unwrap();
    let new = place.keys().find(&name("ci")).unwrap();
    assert!(new.is_live(NOW));
    place.keys().note_refused(&new, NOW).unwrap();
    assert!(!place.keys().find(&name("ci")).unwrap().is_live(NOW));
}

#[test]
fn what_is_known_can_be_changed_and_the_name_cannot() {
    let place = Place::with("push");
    let changed = place.keys().change(&name("ci"), |key| {
        key.name = name("other");
        key.slot = 99;
        key.expires_at = Some(NOW + 1);
    });
    assert_eq!(changed.unwrap().expires_at, Some(NOW + 1));
    assert_eq!(kept(&place), value('a').secret.expose_secret());
    let emptied = place.keys().change(&name("ci"), |key| key.operations = Operations::default());
    assert!(matches!(emptied, Err(KeysError::NoOperation(_))));
    assert!(!place.keys().find(&name("ci")).unwrap().operations.is_empty());
}

#[tokio::test]
async fn refusals_of_nuget_org_pass_through() {
    let place = Place::with("push");
    match refreshed(&place, 403, "").await.unwrap_err() {
        KeysError::Nuget(error) => assert_eq!(error.kind, Kind::KeyRefused),
        other => panic!("{other:?}"),
    }
}
