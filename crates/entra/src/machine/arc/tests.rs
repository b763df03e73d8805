use std::os::unix::fs::symlink;

use proptest::prelude::*;
use tempfile::TempDir;
use valetkey_http::header::HeaderValue;
use valetkey_protocol::ExposeSecret as _;

use super::*;

const NAME: &str = "5a17ab1e-0000-4000-8000-0000000000a1.key";

/// A folder `tokens` with a key in it, and a secret beside the folder.
fn place() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("tokens");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(NAME), "canary-key\n").unwrap();
    fs::write(root.path().join("other.key"), "canary-other").unwrap();
    (root, folder)
}

fn challenged(challenge: &str, folder: &Path) -> Result<SecretString, String> {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
    key(&headers, folder).map_err(|error| format!("{:?}: {}", error.kind, error.sentence))
}

#[test]
fn the_key_that_a_challenge_names_is_read() {
    let (_root, folder) = place();
    let path = folder.join(NAME).display().to_string();
    for challenge in
        [format!("Basic realm={path}"), format!("basic  Realm = \"{path}\""), format!("BASIC realm={path} ")]
    {
        assert_eq!(challenged(&challenge, &folder).unwrap().expose_secret(), "canary-key", "{challenge}");
    }
}

#[test]
fn no_file_elsewhere_is_read_whatever_the_challenge_says() {
    let (root, folder) = place();
    let shown = folder.display();
    symlink(root.path().join("other.key"), folder.join("link.key")).unwrap();
    fs::create_dir(folder.join("deeper.key")).unwrap();
    fs::write(folder.join("deeper.key").join(NAME), "canary-deeper").unwrap();
    fs::write(folder.join("key"), "canary-bare").unwrap();
    fs::write(folder.join("a.key.txt"), "canary-text").unwrap();
    fs::write(folder.join("long.key"), "c".repeat(4097)).unwrap();
    fs::write(folder.join("empty.key"), " \n").unwrap();
    let outside = [
        root.path().join("other.key").display().to_string(),
        format!("{shown}/../other.key"),
        format!("{shown}/../tokens/{NAME}"),
        format!("{shown}/deeper.key/{NAME}"),
        format!("{shown}/deeper.key/../{NAME}"),
        format!("{shown}/key"),
        format!("{shown}/a.key.txt"),
        format!("{shown}/.."),
        format!("{shown}"),
        format!("file://{shown}/{NAME}"),
        NAME.to_owned(),
        "other.key".to_owned(),
        "/etc/shadow".to_owned(),
        "/".to_owned(),
        String::new(),
    ];
    for realm in outside {
        let refusal = challenged(&format!("Basic realm={realm}"), &folder).unwrap_err();
        assert!(refusal.contains("names a file that is no key in"), "{realm}: {refusal}");
    }
    for (name, why) in [
        ("link.key", "it is not a regular file"),
        ("deeper.key", "it is not a regular file"),
        ("long.key", "it is longer than any key"),
        ("empty.key", "it is empty"),
        ("absent.key", "No such file"),
    ] {
        let refusal = challenged(&format!("Basic realm={shown}/{name}"), &folder).unwrap_err();
        assert!(refusal.contains(why) && !refusal.contains("canary"), "{name}: {refusal}");
    }
}

#[test]
fn another_challenge_is_none() {
    let (_root, folder) = place();
    for challenge in ["Basic", "Bearer realm=x", "Basic charset=x", "realm=x"] {
        let refusal = challenged(challenge, &folder).unwrap_err();
        assert!(refusal.starts_with("Malformed: "), "{challenge}: {refusal}");
    }
    assert!(key(&HeaderMap::new(), &folder).is_err());
}

proptest! {
    #[test]
    fn no_text_means_a_file_outside_the_folder(
        realm in "(/var/opt/azcmagent/tokens)?(/|\\.\\.|\\.|a|\\.key|\\PC){0,12}(\\.key)?",
    ) {
        let folder = Path::new("/var/opt/azcmagent/tokens");
        if let Some(file) = file(&realm, folder) {
            let inside: Vec<_> = file.strip_prefix(folder).unwrap().components().collect();
            prop_assert!(matches!(inside[..], [std::path::Component::Normal(_)]), "{realm}: {file:?}");
            prop_assert!(file.extension().unwrap() == "key", "{realm}: {file:?}");
        }
    }
}
