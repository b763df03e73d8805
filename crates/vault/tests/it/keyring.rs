//! The operating system's keyring: gnome-keyring, well and ill.

use rustix::process::Signal;

use crate::{probe, probe::Probe, session::Session};

/// Far above what a healthy call takes.
const UNHURRIED: &str = "20000";
/// Sooner over, for calls that are to hang. The healthy ones before them have it too, on however busy a machine.
const SOON: &str = "10000";

#[test]
fn secrets_are_kept_found_replaced_and_forgotten() {
    let Some(session) = Session::start() else { return };
    let mut vault = session.probe(UNHURRIED);
    assert!(vault.ask("status").starts_with("Os Untried"));
    assert_eq!(vault.ask("probe"), "done");
    assert_eq!(vault.ask("get a"), "none");
    assert_eq!(vault.ask("set a refresh-token-1"), "done");
    assert_eq!(vault.ask("set a refresh-token-2"), "done");
    assert_eq!(vault.ask("set b päss"), "done");
    assert_eq!(vault.ask("fill large 60000"), "done");
    assert_eq!(vault.ask("status"), "Os Ready: ; ");

    let mut later = session.probe(UNHURRIED);
    assert_eq!(later.ask("get a"), "some refresh-token-2");
    assert_eq!(later.ask("get b"), "some päss");
    assert_eq!(later.ask("get large").len(), "some ".len() + 60_000);
    assert_eq!(later.ask("delete a"), "done");
    assert_eq!(later.ask("delete a"), "done");
    assert_eq!(vault.ask("get a"), "none");
}

#[test]
fn a_locked_keyring_says_so_and_serves_again_once_unlocked() {
    let Some(mut session) = Session::start() else { return };
    let mut vault = session.probe(UNHURRIED);
    assert_eq!(vault.ask("set a one"), "done");
    session.lock_keyring();
    assert_eq!(vault.ask("probe"), "Locked");
    assert_eq!(vault.ask("get a"), "Locked");
    assert_eq!(vault.ask("set b two"), "Locked");
    assert_eq!(
        vault.ask("status"),
        "Os Locked: the keyring is locked; unlock your keyring, for example by signing in to the desktop, and try again"
    );
    session.start_keyring();
    assert_eq!(vault.ask("get a"), "some one");
    assert_eq!(vault.ask("get b"), "none");
    assert_eq!(vault.ask("status"), "Os Ready: ; ");
}

#[test]
fn a_stopped_keyring_is_hung_within_the_deadline_and_heals() {
    let Some(session) = Session::start() else { return };
    let mut vault = session.probe(SOON);
    assert_eq!(vault.ask("set a one"), "done");
    session.signal_keyring(Signal::STOP);
    assert_eq!(vault.ask("set a two"), "Hung");
    // Were each of them to wait for the deadline, this would take hours.
    assert_eq!(vault.ask("storm a 1000"), "Hung");
    assert!(
        vault
            .ask("status")
            .starts_with("Os Hung: the keyring does not answer; restart the keyring service, or")
    );

    session.signal_keyring(Signal::CONT);
    let healed = (0..1_000_000).find_map(|_| Some(vault.ask("get a")).filter(|answer| answer != "Hung"));
    assert_eq!(healed.as_deref(), Some("some two"), "the set that hung was done late, and before the get");
    assert_eq!(vault.ask("status"), "Os Ready: ; ");
}

#[test]
fn a_killed_keyring_comes_back_locked_where_the_bus_starts_it() {
    let Some(mut session) = Session::start() else { return };
    let mut vault = session.probe(UNHURRIED);
    assert_eq!(vault.ask("set a one"), "done");
    session.kill_keyring();
    assert_eq!(vault.ask("get a"), "Locked");
    session.start_keyring();
    assert_eq!(vault.ask("get a"), "some one");
}

#[test]
fn a_keyring_replaced_between_two_calls_is_found_again() {
    let Some(mut session) = Session::without_keyring(false) else { return };
    session.start_keyring();
    let mut vault = session.probe(UNHURRIED);
    assert_eq!(vault.ask("set a one"), "done");
    session.kill_keyring();
    session.start_keyring();
    assert_eq!(vault.ask("get a"), "some one");
    session.kill_keyring();
    session.start_keyring();
    assert_eq!(vault.ask("set a two"), "done");
    assert_eq!(vault.ask("get a"), "some two");
}

#[test]
fn a_killed_keyring_is_missed_where_nothing_starts_it() {
    let Some(mut session) = Session::without_keyring(false) else { return };
    let mut vault = session.probe(UNHURRIED);
    assert_eq!(vault.ask("get a"), "NotRunning");
    session.start_keyring();
    assert_eq!(vault.ask("set a one"), "done");
    session.kill_keyring();
    assert_eq!(vault.ask("get a"), "NotRunning");
    assert!(vault.ask("status").starts_with("Os Absent: no keyring service is running; start a keyring"));
    session.start_keyring();
    assert_eq!(vault.ask("get a"), "some one");
}

#[test]
fn a_keyring_killed_while_it_hangs_frees_the_vault() {
    let Some(mut session) = Session::without_keyring(false) else { return };
    session.start_keyring();
    let mut vault = session.probe(SOON);
    assert_eq!(vault.ask("set a one"), "done");
    session.signal_keyring(Signal::STOP);
    assert_eq!(vault.ask("get a"), "Hung");
    session.kill_keyring();
    let freed = (0..1_000_000).find_map(|_| Some(vault.ask("get a")).filter(|answer| answer != "Hung"));
    assert_eq!(freed.as_deref(), Some("NotRunning"));
}

#[test]
fn a_service_without_a_default_keyring_says_so() {
    let Some(mut session) = Session::without_keyring(false) else { return };
    session.start_keyring_without_password();
    let mut vault = session.probe(UNHURRIED);
    assert_eq!(vault.ask("probe"), "NoCollection");
    assert_eq!(vault.ask("set a one"), "NoCollection");
    assert!(vault.ask("status").starts_with("Os Absent: the keyring service has no default keyring; create"));
}

#[test]
fn without_a_bus_there_is_no_keyring_and_nothing_lower_is_chosen() {
    let home = tempfile::TempDir::new().unwrap();
    let mut command = probe::command(&[UNHURRIED, "os"]);
    command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path()).current_dir(home.path());
    let mut vault = Probe::start(&mut command);
    assert_eq!(vault.ask("get a"), "Absent");
    assert_eq!(vault.ask("set a one"), "Absent");
    assert_eq!(
        vault.ask("status"),
        "Os Absent: there is no keyring: no session bus answers; start a keyring such as gnome-keyring, \
         or choose the sealed file: `[vault] store = \"sealed\"` in the configuration"
    );
    assert_eq!(home.path().read_dir().unwrap().count(), 0, "something was written");
}
