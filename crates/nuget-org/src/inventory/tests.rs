use super::*;
use crate::{KeyKind, Operations};

fn key(name: &str) -> Key {
    let operations = Operations::parse("push-version").unwrap();
    Key { operations, ..Key::new(KeyName::parse(name).unwrap(), "contoso", KeyKind::V4) }
}

fn place() -> (tempfile::TempDir, InventoryFile) {
    let root = tempfile::tempdir().unwrap();
    let file = InventoryFile::in_folder(&root.path().canonicalize().unwrap().join("state"));
    (root, file)
}

#[test]
fn the_file_looks_as_the_documents_say() {
    let (_root, file) = place();
    assert_eq!(file.read().unwrap(), Inventory::default());
    let mut locked = file.lock().unwrap();
    let slot = locked.inventory.reserve(&KeyName::parse("ci").unwrap());
    locked.inventory.put(Key { slot, expires_at: Some(1_800_000_000), ..key("ci") });
    locked.save().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    let expected = r#"{
  "form": 1,
  "next-slot": 2,
  "keys": [
    {
      "name": "ci",
      "owner": "contoso",
      "globs": [
        "*"
      ],
      "operations": [
        "push-version"
      ],
      "expires-at": 1800000000,
      "kind": "v4",
      "slot": 1
    }
  ]
}
"#;
    assert_eq!(text, expected);
    assert_eq!(file.read().unwrap(), locked.inventory);
}

#[cfg(unix)]
#[test]
fn it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_root, file) = place();
    let locked = file.lock().unwrap();
    locked.save().unwrap();
    locked.save().unwrap();
    let folder = file.path().parent().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["nuget-keys.json", "nuget-keys.json.lock"]);
}

#[test]
fn a_file_with_anything_unknown_is_left_alone() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"form":2,"next-slot":1,"keys":[]}"#,
        r#"{"form":1,"next-slot":1,"keys":[],"more":1}"#,
        r#"{"form":1,"next-slot":1,"keys":[{"name":"a","owner":"o","globs":[],"operations":["fly"],"expires-at":null,"kind":"v4"}]}"#,
        r#"{"form":1,"next-slot":1,"keys":[{"name":"../a","owner":"o","globs":[],"operations":["push"],"expires-at":null,"kind":"v4"}]}"#,
        r#"{"form":1,"next-slot":1,"keys":[{"name":"a","owner":"o","globs":[],"operations":["push"],"expires-at":null,"kind":"v4","secret":"x"}]}"#,
    ] {
        let (_root, file) = place();
        drop(file.lock().unwrap());
        std::fs::write(file.path(), text).unwrap();
        for error in [file.read().unwrap_err(), file.lock().unwrap_err()] {
            assert!(matches!(error, InventoryError::NotOurs(_)), "{text}: {error:?}");
            assert!(!error.hint().is_empty());
        }
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
    }
}

#[test]
fn a_file_without_an_end_is_not_read_to_its_end() {
    let (_root, file) = place();
    drop(file.lock().unwrap());
    let spaces = " ".repeat(usize::try_from(MAX).unwrap());
    std::fs::write(file.path(), format!(r#"{{"form":1,"next-slot":1,"keys":[]}}{spaces}"#)).unwrap();
    assert!(matches!(file.read(), Err(InventoryError::NotOurs(_))));
}

#[test]
fn a_replaced_key_leaves_its_secret_behind_until_it_is_deleted() {
    let name = KeyName::parse("ci").unwrap();
    let mut inventory = Inventory::default();
    let first = inventory.reserve(&name);
    assert_eq!(inventory.leftover, ["nuget-org/ci/1"]);
    inventory.put(Key { slot: first, ..key("ci") });
    assert!(inventory.leftover.is_empty());
    let second = inventory.reserve(&name);
    inventory.put(Key { slot: second, ..key("ci") });
    assert_eq!(inventory.leftover, ["nuget-org/ci/1"]);
    inventory.put(key("a"));
    assert!(inventory.keys().iter().map(|key| key.name.as_str()).eq(["a", "ci"]));
    assert!(inventory.remove(&name).is_some() && inventory.remove(&name).is_none());
    assert_eq!(inventory.leftover, ["nuget-org/ci/1", "nuget-org/ci/2"]);
}

#[test]
fn writers_wait_for_each_other() {
    let (_root, file) = place();
    let add = |name: String| {
        let file = file.clone();
        std::thread::spawn(move || {
            let mut locked = file.lock().unwrap();
            locked.inventory.put(key(&name));
            locked.save().unwrap();
        })
    };
    let threads: Vec<_> = (0..8).map(|at| add(format!("k{at}"))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(file.read().unwrap().keys().len(), 8);
}
