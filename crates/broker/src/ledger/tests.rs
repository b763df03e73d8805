use std::{fs, io::Write as _};

use super::*;

fn entry(nonce: &str) -> Entry {
    Entry {
        nonce: nonce.to_owned(),
        state: State::Posting,
        account: "u.t".to_owned(),
        organisation: "contoso".to_owned(),
        scope: "vso.code".to_owned(),
        name: format!("valetkey laptop git-read {nonce}"),
        service: "vssps.dev.azure.com".to_owned(),
        created_at: 100,
        valid_to: 200,
        authorization_id: None,
    }
}

fn reopened(path: &std::path::Path) -> Vec<(String, State)> {
    let ledger = Ledger::at(path.to_owned());
    ledger.load().unwrap();
    ledger.open_entries().into_iter().map(|entry| (entry.nonce, entry.state)).collect()
}

#[test]
fn what_was_begun_is_found_after_a_restart_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::at(path.clone());
    ledger.begin(entry("aaaa")).unwrap();
    ledger.begin(entry("bbbb")).unwrap();
    assert!(ledger.open_entries().is_empty(), "in flight");
    ledger.change("bbbb", |entry| entry.state = State::Minted);
    ledger.landed("bbbb");
    assert_eq!(ledger.open_entries().len(), 1);
    assert_eq!(reopened(&path), [("aaaa".to_owned(), State::Posting), ("bbbb".to_owned(), State::Minted)]);
    let later = Ledger::at(path.clone());
    later.load().unwrap();
    later.change("bbbb", |entry| entry.state = State::Revoked);
    assert_eq!(reopened(&path), [("aaaa".to_owned(), State::Posting)]);
}

#[test]
fn a_torn_last_line_loses_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    Ledger::at(path.clone()).begin(entry("aaaa")).unwrap();
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"nonce\":\"bb").unwrap();
    let ledger = Ledger::at(path.clone());
    ledger.begin(entry("cccc")).unwrap();
    assert_eq!(ledger.skipped_lines(), 1);
    let nonces: Vec<_> = reopened(&path).into_iter().map(|(nonce, _)| nonce).collect();
    assert_eq!(nonces, ["aaaa", "cccc"]);
}

#[test]
fn closed_entries_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::at(path.clone());
    for number in 0..300 {
        let nonce = format!("{number:04}");
        ledger.begin(entry(&nonce)).unwrap();
        ledger.landed(&nonce);
        ledger.change(&nonce, |entry| entry.state = State::Void);
    }
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    assert!(lines <= 201, "{lines} lines");
    assert!(reopened(&path).is_empty());
}

#[test]
fn a_ledger_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::at(folder.path().join("no/such/folder/ledger"));
    let message = ledger.begin(entry("aaaa")).unwrap_err().to_string();
    assert!(message.contains("cannot be used"), "{message}");
    assert!(ledger.open_entries().is_empty());
}

#[test]
fn what_the_disk_refused_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::at(path.clone());
    ledger.begin(entry("aaaa")).unwrap();
    ledger.landed("aaaa");
    // The handle is closed and a folder put in the file's place: the disk refuses.
    let kept = fs::read(&path).unwrap();
    ledger.inner().file = LedgerFile::at(folder.path().join("gone/ledger"));
    ledger.change("aaaa", |entry| entry.state = State::Superseded);
    assert_eq!(reopened(&path), [("aaaa".to_owned(), State::Posting)]);
    assert_eq!(kept, fs::read(&path).unwrap());
    ledger.inner().file = LedgerFile::at(path.clone());
    ledger.begin(entry("bbbb")).unwrap();
    assert_eq!(reopened(&path)[0], ("aaaa".to_owned(), State::Superseded));
}

#[test]
fn a_ledger_taken_away_is_written_anew_with_all_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/ledger");
    fs::create_dir(folder.path().join("state")).unwrap();
    let ledger = Ledger::at(path.clone());
    ledger.begin(entry("aaaa")).unwrap();
    fs::rename(folder.path().join("state"), folder.path().join("away")).unwrap();
    ledger.begin(entry("bbbb")).unwrap_err();
    fs::create_dir(folder.path().join("state")).unwrap();
    ledger.begin(entry("bbbb")).unwrap();
    let nonces: Vec<_> = reopened(&path).into_iter().map(|(nonce, _)| nonce).collect();
    assert_eq!(nonces, ["aaaa", "bbbb"]);
}

#[test]
fn only_a_name_of_ours_with_the_nonce_as_its_last_word_is_ours() {
    let ours = entry("aaaabbbb");
    assert!(ours.is_named("valetkey other git-read aaaabbbb"));
    for name in ["aaaabbbb", "valetkey laptop git-read aaaabbbbc", "valetkey aaaabbbb x", "my aaaabbbb", ""] {
        assert!(!ours.is_named(name), "{name}");
    }
}

#[test]
fn a_pending_entry_waits_longer_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::at(folder.path().join("ledger"));
    let second = Duration::from_secs(1);
    assert!(ledger.is_due("aaaa", Duration::ZERO) && ledger.next_due().is_none());
    ledger.begin(entry("aaaa")).unwrap();
    ledger.put_off("aaaa", Duration::ZERO, second);
    assert!(!ledger.is_due("aaaa", Duration::ZERO) && ledger.is_due("aaaa", second));
    assert_eq!(ledger.next_due(), Some(second));
    ledger.put_off("aaaa", second, second);
    assert!(!ledger.is_due("aaaa", 2 * second) && ledger.is_due("aaaa", 3 * second));
    for _ in 0..40 {
        ledger.put_off("aaaa", Duration::ZERO, second);
    }
    assert!(ledger.is_due("aaaa", Duration::from_secs(3600)));
}
