use insta::assert_snapshot;
use valetkey_protocol::{Answer, Reason, Revoked, StatusReport, VaultState, VaultStatus, VaultTier};

use crate::harness::Run;

fn status(tier: VaultTier, state: VaultState) -> Answer {
    let vault = VaultStatus { tier, state, ..VaultStatus::default() };
    Answer::Status(Box::new(StatusReport { locked: true, vault, ..StatusReport::default() }))
}

#[test]
fn locked() {
    assert_snapshot!(Run::new("lock").answer(Answer::Done).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"lock","revoke":false}
    ----- stdout -----
    locked: no key is handed out until `valetkey unlock`
    "#);
}

#[test]
fn locked_and_revoked() {
    let revoked = Revoked { revoked: 1, ..Revoked::default() };
    assert_snapshot!(Run::new("lock --revoke").answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"lock","revoke":true}
    ----- stdout -----
    locked: no key is handed out until `valetkey unlock`
    1 key revoked
    "#);
}

#[test]
fn unlocked_without_a_question() {
    let run = Run::new("unlock").answer(status(VaultTier::Os, VaultState::Ready)).answer(Answer::Done);
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"status"}
    asked: OnDemand {"type":"unlock"}
    ----- stdout -----
    unlocked: keys are handed out again
    "#);
}

#[test]
fn an_open_sealed_file_asks_nothing() {
    let run = Run::new("unlock").answer(status(VaultTier::Sealed, VaultState::Ready)).answer(Answer::Done);
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"status"}
    asked: OnDemand {"type":"unlock"}
    ----- stdout -----
    unlocked: keys are handed out again
    "#);
}

#[test]
fn a_sealed_file_asks_for_its_passphrase() {
    let run = Run::new("unlock").passphrase("correct horse");
    let run = run.answer(status(VaultTier::Sealed, VaultState::Locked)).answer(Answer::Done);
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"status"}
    asked: OnDemand {"type":"unlock","passphrase":"correct horse"}
    ----- stdout -----
    unlocked: keys are handed out again
    "#);
}

#[test]
fn a_wrong_passphrase() {
    let run = Run::new("unlock").passphrase("wrong").answer(status(VaultTier::Sealed, VaultState::Locked));
    let made =
        run.refuse(Reason::VaultUnavailable, "the passphrase is wrong", "run `valetkey unlock`").made();
    assert!(!made.out.contains("wrong"));
    assert_snapshot!(made.err, @"
    error: the passphrase is wrong
    hint: run `valetkey unlock`
    ");
}

#[test]
fn no_terminal_to_ask_on() {
    assert_snapshot!(Run::new("unlock").answer(status(VaultTier::Sealed, VaultState::Locked)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"status"}
    ----- stderr -----
    error: the passphrase cannot be asked for: there is no terminal
    hint: run `valetkey unlock` in a terminal
    "#);
}
