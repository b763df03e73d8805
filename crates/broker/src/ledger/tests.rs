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
        person: None,
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
fn a_name_with_the_nonce_as_a_word_is_ours_whatever_a_person_wrote_around_it() {
    let ours = entry("aaaabbbb");
    for name in
        ["valetkey other git-read aaaabbbb", "ci [valetkey aaaabbbb]", "valetkey aaaabbbb, what is it?"]
    {
        assert!(ours.is_named(name), "{name}");
    }
    for name in ["valetkey laptop git-read aaaabbbbc", "valetkey xaaaabbbb", "aaaa bbbb", "ci", ""] {
        assert!(!ours.is_named(name), "{name}");
    }
}

#[test]
fn how_a_persons_token_ended_is_known_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::at(path.clone());
    let person =
        Person { title: "ci".to_owned(), replaces: vec!["old".to_owned()], keep: None, caller: None };
    let token = Entry { person: Some(person), authorization_id: Some("new".to_owned()), ..entry("aaaa") };
    ledger.begin(token.clone()).unwrap();
    assert!(ledger.open_entries().is_empty() && ledger.not_closed().len() == 1, "in flight");
    ledger.landed("aaaa");
    ledger.advance(Entry { state: State::Handing, ..token }).unwrap();
    assert_eq!(ledger.by_id("NEW").unwrap().state, State::Handing);
    assert!(!ledger.find("aaaa").unwrap().is_to_revoke());
    ledger.change("aaaa", |entry| entry.state = State::Given);
    assert_eq!((ledger.find("aaaa"), ledger.ended("aaaa")), (None, Some(State::Given)));
    let again = Ledger::at(path);
    again.load().unwrap();
    assert_eq!((again.ended("aaaa"), again.ended("bbbb")), (Some(State::Given), None));
}

#[test]
fn a_step_that_cannot_be_written_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let ledger = Ledger::at(inner.join("ledger"));
    ledger.begin(entry("aaaa")).unwrap();
    fs::remove_dir_all(&inner).unwrap();
    ledger.advance(Entry { state: State::Handing, ..entry("aaaa") }).unwrap_err();
    assert_eq!(ledger.find("aaaa").unwrap().state, State::Posting);
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
