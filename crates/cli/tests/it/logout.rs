use insta::assert_snapshot;
use valetkey_protocol::{Answer, Revoked};

use crate::harness::Run;

#[test]
fn of_everybody() {
    let revoked = Revoked { revoked: 2, ..Revoked::default() };
    assert_snapshot!(Run::new("logout").answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"logout"}
    ----- stdout -----
    signed out
    2 keys revoked
    "#);
}

#[test]
fn of_one_account_with_a_key_left() {
    let sentence = "`vssps.dev.azure.com` cannot be reached".to_owned();
    let revoked = Revoked { pending: 1, sentence, ..Revoked::default() };
    let run = Run::new("logout --account alice@contoso.com");
    assert_snapshot!(run.answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"logout","account":"alice@contoso.com"}
    ----- stdout -----
    signed out: alice@contoso.com
    no key revoked
    ----- stderr -----
    warning: 1 key could not be revoked yet: `vssps.dev.azure.com` cannot be reached
    hint: `valetkey status` shows what is left
    "#);
}

#[test]
fn with_a_token_that_was_being_replaced() {
    let left = vec!["regenerating the token `ci` of `contoso` was not over: both live".to_owned()];
    let revoked = Revoked { left, ..Revoked::default() };
    assert_snapshot!(Run::new("logout").answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"logout"}
    ----- stdout -----
    signed out
    no key revoked
    ----- stderr -----
    warning: regenerating the token `ci` of `contoso` was not over: both live
    hint: `valetkey pat list` shows both while you are signed in: revoke the one that nothing uses
    "#);
}

#[test]
fn with_a_key_that_was_most_likely_never_made() {
    let revoked = Revoked { revoked: 1, sought: 1, ..Revoked::default() };
    assert_snapshot!(Run::new("logout").answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"logout"}
    ----- stdout -----
    signed out
    1 key revoked
    ----- stderr -----
    hint: 1 key may have been made with no answer seen, and the service lists none: it is looked for a few minutes longer, and revoked if it turns up
    "#);
}

#[test]
fn of_an_account_whose_session_stays() {
    let sentence = "the session could not be deleted: the keyring is locked; this is tried again".to_owned();
    let revoked = Revoked { revoked: 2, sentence, ..Revoked::default() };
    assert_snapshot!(Run::new("logout").answer(Answer::Revoked(revoked)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"logout"}
    ----- stdout -----
    signed out
    2 keys revoked
    ----- stderr -----
    warning: the session could not be deleted: the keyring is locked; this is tried again
    hint: see `valetkey status`
    "#);
}

#[test]
fn without_a_word_about_keys() {
    assert_snapshot!(Run::new("logout").answer(Answer::Done).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"logout"}
    ----- stdout -----
    signed out
    "#);
}

#[test]
fn an_empty_account_is_not_everybody() {
    let made = Run::new("logout --account=").made();
    assert_eq!(made.exit, valetkey_cli::Exit::Usage);
    assert!(made.asked.is_empty());
}
