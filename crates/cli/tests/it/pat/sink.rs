//! Where a token's value goes.

use insta::assert_snapshot;
use valetkey_protocol::{Answer, PatHeld, PatMade, PatSettled};

use super::{DAY, ci, creation, settled, value};
use crate::harness::{NOW, Run};

#[test]
fn a_value_goes_to_a_command() {
    let run = creation("--to-command -- gh secret set AZURE_PAT").answer(settled(0, 0, ""));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1802592000}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":true}
    ran: fed canary gh secret set AZURE_PAT
    ----- stderr -----
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    "#);
}

#[test]
fn a_command_that_does_not_take_it_costs_the_token() {
    let run = creation("--to-command -- false").program_exits(3).answer(settled(1, 0, ""));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1802592000}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":false}
    ran: fed canary false
    ----- stderr -----
    the token that was made is revoked again
    error: `false` ended with 3 and did not take the token
    hint: see what it says, then run this again
    "#);
}

#[test]
fn a_value_is_shown_on_a_screen_of_its_own() {
    let run = creation("").terminal().answer(settled(0, 0, ""));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1802592000}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":true}
    opened: a screen with ci (contoso) canary
    ----- stderr -----
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    "#);
}

#[test]
fn without_a_terminal_nothing_is_made() {
    assert_snapshot!(Run::new("pat create ci --scope vso.build").shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: there is no terminal to show the token on
    hint: `--to-command -- COMMAND` gives it to a command, `--keep NAME` puts it into the vault
    hint: `--print` prints it on standard output
    ");
}

#[test]
fn printed_where_that_was_asked_for() {
    assert_snapshot!(creation("--print").answer(settled(0, 0, "")).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1802592000}
    asked: OnDemand {"type":"pat","do":"take","ticket":"ticket"}
    asked: OnDemand {"type":"pat","do":"settle","ticket":"ticket","delivered":true}
    ----- stdout -----
    canary
    ----- stderr -----
    token `ci` for `contoso` may `vso.build` until 2027-02-14
    "#);
}

#[test]
fn kept_in_the_vault() {
    let mut kept = ci();
    kept.held = PatHeld::Kept { name: "box".to_owned() };
    let answer = Answer::PatMade(PatMade {
        asked_until: NOW + 90 * DAY,
        pat: kept,
        ticket: None,
        settled: Some(PatSettled::default()),
    });
    let run = Run::new("pat create ci --scope vso.build --expires 90d --keep box").answer(answer);
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"create","name":"ci","scope":"vso.build","expires_at":1807776000,"keep":"box"}
    ----- stderr -----
    warning: `contoso` gives tokens less time than you asked for: it ends on 2027-02-14, in 30 d and not in 90 d
    token `ci` for `contoso` may `vso.build` until 2027-02-14, kept as `box`
    "#);
}

#[test]
fn used_by_name() {
    assert_snapshot!(Run::new("pat use box --to-command -- docker login").answer(value(ci())).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"use","name":"box"}
    ran: fed canary docker login
    "#);
}

#[test]
fn two_places_are_one_too_many() {
    for line in ["--print --show", "--keep x --print", "--to-command", "--print -- cat"] {
        let made = Run::new(&format!("pat create ci --scope vso.build {line}")).made();
        assert_eq!(made.exit.code(), 2, "{line}");
    }
}
