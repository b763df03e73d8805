//! Making a token, a new one or one in another's place.

use insta::assert_snapshot;
use valetkey_protocol::{Answer, PatHeld, PatMade, PatSettled, Reason, Refusal};

use super::{ci, creation, made, page, pat, settled, value};
use crate::harness::Run;

#[test]
fn an_unknown_scope_is_not_asked_for() {
    assert_snapshot!(Run::new("pat create ci --scope vso.cod --print").shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `vso.cod` is no scope that Azure DevOps lists
    hint: `vso.code`: read code and pull requests: `git fetch`
    hint: `vso.code_write`: write code, pull requests: `git push`
    hint: `vso.code_status`: read and write the status of commits
    hint: `valetkey pat scopes` lists all; `--unlisted-scope` sends it as it is
    ");
    let run = creation("--scope vso.brandnew --unlisted-scope --print").answer(settled(0, 0, ""));
    assert!(run.made().asked[0].contains(r#""scope":"vso.brandnew vso.build""#));
}

#[test]
fn a_wide_scope_is_told_of() {
    let run = creation("--scope vso.code_full --scope vso.code --print").answer(settled(0, 0, ""));
    assert_snapshot!(run.made().err, @"
    warning: `vso.code_full` is wide: everything about code, old client interfaces included
    hint: `vso.code_write` may be enough: write code, pull requests: `git push`
    hint: `vso.code` can be left out: another of the scopes holds it
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    ");
}

#[test]
fn an_end_that_is_none() {
    assert_snapshot!(Run::new("pat create ci --scope vso.build --expires soon --print").shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `soon` is no time that a token can end at
    hint: say it as `8h`, `30d`, `2w` or `2026-12-31`
    ");
}

#[test]
fn an_agent_that_dies_at_the_end_is_asked_again() {
    let run = creation("--print").unreachable("broken", "").answer(settled(0, 0, ""));
    let made = run.made();
    assert_eq!((made.exit.code(), made.asked.len()), (0, 4));
}

#[test]
fn a_refusal_before_the_value_was_taken_is_undone() {
    let refusal = Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`");
    let run = Run::new("pat create ci --scope vso.build --print")
        .answer(made(ci()))
        .answer(Answer::Refused(refusal))
        .answer(settled(1, 0, ""));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1802592000}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":false}
    ----- stderr -----
    the token that was made is revoked again
    error: the agent is locked
    hint: run `valetkey unlock`
    "#);
}

#[test]
fn one_in_anothers_place() {
    let run = Run::new("pat regenerate ci --org contoso --to-command -- store it")
        .answer(page(vec![ci()], None))
        .answer(made(pat("d2d2d2d2", "ci", "vso.build", 30)))
        .answer(value(pat("d2d2d2d2", "ci", "vso.build", 30)))
        .answer(settled(1, 0, ""));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","organisation":"contoso","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"regenerate","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":true}
    ran: fed canary store it
    ----- stderr -----
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    the old one is revoked
    "#);
}

#[test]
fn the_old_one_that_cannot_be_revoked_yet_is_told_of() {
    let run = Run::new("pat regenerate ci --print")
        .answer(page(vec![ci()], None))
        .answer(made(ci()))
        .answer(value(ci()))
        .answer(settled(0, 1, "Azure DevOps has a fault (503)"));
    assert_snapshot!(run.made().err, @"
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    warning: the old one could not be revoked yet: Azure DevOps has a fault (503)
    hint: the agent tries again by itself; `valetkey status` shows what is left
    ");
}

#[test]
fn an_old_one_that_nobody_revoked_is_not_passed_over() {
    let run = Run::new("pat regenerate ci --print")
        .answer(page(vec![ci()], None))
        .answer(made(ci()))
        .answer(value(ci()))
        .answer(settled(0, 0, ""));
    assert_snapshot!(run.made().err, @"
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    warning: the agent no longer knows whether the old one is revoked
    hint: `valetkey pat list` shows it if it lives; then run `valetkey pat revoke` with its id
    ");
}

#[test]
fn one_that_is_kept_is_kept_under_the_same_name() {
    let mut kept = ci();
    kept.held = PatHeld::Kept { name: "box".to_owned() };
    let answer = Answer::PatMade(PatMade {
        asked_until: kept.expires_at,
        pat: kept.clone(),
        ticket: None,
        settled: Some(PatSettled { revoked: 1, ..PatSettled::default() }),
    });
    let run = Run::new("pat regenerate box").answer(page(vec![kept], None)).answer(answer);
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"regenerate","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001","keep":"box"}
    ----- stderr -----
    token `ci` for `contoso` may `vso.build` until 2027-02-14, kept as `box`
    the old one is revoked
    "#);
}
