//! A sealed file under kill, and under several processes at once.

use std::{fs, path::Path, process::Command, thread};

use tempfile::TempDir;

use crate::{
    probe::{self, Probe},
    skip,
};

fn vault(path: &Path) -> Probe {
    let mut vault = Probe::start(&mut probe::command(&["20000", "passphrase", path.to_str().unwrap()]));
    assert_eq!(vault.ask("unlock hunter2"), "done");
    vault
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_or_the_new() {
    const ROUNDS: u32 = 40;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    let mut kept = 0;
    for round in 0..ROUNDS {
        let mut writer = vault(&path);
        let found: u32 = match writer.ask("get n").strip_prefix("some ") {
            Some(number) => number.parse().unwrap(),
            None => 0,
        };
        assert!(found >= kept, "a write that was confirmed is lost");
        kept = found + 1;
        assert_eq!(writer.ask(&format!("set n {kept}")), "done");
        // More than can be done before the kill, which so falls into one of them.
        for ahead in 1..=30 {
            writer.send(&format!("set n {}", kept + ahead));
        }
        for _ in 0..round % 8 {
            writer.next();
            kept += 1;
        }
        writer.kill();
    }
    assert!(
        folder.path().read_dir().unwrap().count() <= 3,
        "more is left than the file, its lock and one leftover"
    );
}

#[test]
fn processes_that_share_a_file_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    drop(vault(&path));
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let mut vault = vault(path);
                for n in 0..25 {
                    assert_eq!(vault.ask(&format!("set {writer}-{n} x{n}")), "done");
                }
            });
        }
    });
    let mut reader = vault(&path);
    for writer in 0..4 {
        for n in 0..25 {
            assert_eq!(reader.ask(&format!("get {writer}-{n}")), format!("some x{n}"));
        }
    }
}

#[test]
fn a_copy_without_the_passphrase_is_of_no_use() {
    let folder = TempDir::new().unwrap();
    let (path, copy) = (folder.path().join("sealed"), folder.path().join("copy"));
    assert_eq!(vault(&path).ask("set a refresh-token-1"), "done");
    fs::copy(&path, &copy).unwrap();
    assert!(!String::from_utf8_lossy(&fs::read(&copy).unwrap()).contains("refresh"));
    let mut thief = Probe::start(&mut probe::command(&["20000", "passphrase", copy.to_str().unwrap()]));
    assert_eq!(thief.ask("get a"), "NeedsPassphrase");
    assert_eq!(thief.ask("unlock hunter3"), "WrongPassphrase");
    assert_eq!(thief.ask("status"), "Sealed Locked: the passphrase is wrong; run `valetkey unlock` again");
    assert_eq!(thief.ask("get a"), "NeedsPassphrase");
}

#[test]
fn a_full_disk_keeps_what_was_there_and_recovers() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealed");
    if !skip::have(&["unshare", "mount"]) {
        return;
    }
    // A file system of 64 KiB, in a mount namespace that ends with the process.
    let script = "mount -t tmpfs -o size=64k none \"$1\" && exec \"$2\" 20000 passphrase \"$3\"";
    let arguments = ["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
    let mut command = Command::new("unshare");
    command.args(arguments).arg(folder.path()).arg(probe::program()).arg(&path).env_clear();
    command.env("PATH", skip::variable("PATH").unwrap_or_default());
    let mut vault = Probe::start(&mut command);
    let Some(answer) = vault.try_ask("unlock hunter2") else {
        return skip::skip("no file system can be mounted in a namespace");
    };
    assert_eq!(answer, "done");
    assert_eq!(vault.ask("set a one"), "done");
    assert!(vault.ask("fill large 100000").starts_with("NoSpace("));
    assert!(vault.ask("status").contains("; free some space; until then nothing new is remembered"));
    assert_eq!(vault.ask("get a"), "some one");
    assert_eq!(vault.ask("set a two"), "done");
    assert_eq!(vault.ask("get a"), "some two");
    assert_eq!(vault.ask("status"), "Sealed Ready: ; ");
}
