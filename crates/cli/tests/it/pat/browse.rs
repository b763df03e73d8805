//! Looking at tokens and changing them.

use insta::assert_snapshot;
use valetkey_protocol::{Answer, PatHeld};

use super::{ci, page, pat};
use crate::harness::Run;

#[test]
fn listed_page_by_page() {
    let mut kept = pat("bbbbbbbb", "laptop", "vso.work", 2);
    kept.held = PatHeld::Kept { name: "laptop".to_owned() };
    let mut global = pat("cccccccc", "old \u{1b}[2J", "app_token", 0);
    global.all_organisations = true;
    let run = Run::new("pat list --org Contoso --filter all --sort date --descending")
        .answer(page(vec![ci()], Some("next")))
        .answer(page(vec![kept, global], None));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","organisation":"contoso","filter":"all","sort":"date","descending":true}
    asked: OnDemand {"type":"pat","do":"list","organisation":"contoso","filter":"all","sort":"date","descending":true,"after":"next"}
    ----- stdout -----
    ID        NAME      SCOPE      LIVES FOR
    c1c1c1c1  ci        vso.build  30 d
    bbbbbbbb  laptop    vso.work   2 d        kept as laptop
    cccccccc  old �[2J  app_token  expired    all organisations
    "#);
}

#[test]
fn listed_as_json() {
    assert_snapshot!(Run::new("pat list --json").answer(page(vec![ci()], None)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    ----- stdout -----
    [
      {
        "id": "c1c1c1c1-0000-4000-8000-000000000001",
        "name": "ci",
        "organisation": "contoso",
        "scope": "vso.build",
        "created_at": 1800000000,
        "expires_at": 1802592000,
        "all_organisations": false,
        "held": {
          "as": "no"
        }
      }
    ]
    "#);
    assert_eq!(Run::new("pat list --json").answer(page(vec![], None)).made().out, "[]\n");
}

#[test]
fn a_list_that_leads_back_is_given_up() {
    let run = Run::new("pat list").answer(page(vec![ci()], Some("a"))).answer(page(vec![ci()], Some("a")));
    assert!(run.made().err.contains("the list of tokens does not end"));
}

#[test]
fn shown_by_name() {
    assert_snapshot!(Run::new("pat show ci").answer(page(vec![ci()], None)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    ----- stdout -----
    name          ci
    id            c1c1c1c1-0000-4000-8000-000000000001
    organisation  contoso
    scope         vso.build
    begun         2027-01-15
    ends          2027-02-14 (30 d)
    "#);
}

#[test]
fn a_name_of_two_is_asked_for_by_id() {
    let run = Run::new("pat show ci").answer(page(vec![ci(), pat("d2d2d2d2", "ci", "vso.code", 1)], None));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    ----- stderr -----
    error: 2 tokens are called `ci`
    hint: name it by its id: `c1c1c1c1`, `d2d2d2d2`
    "#);
}

#[test]
fn changed() {
    let run = Run::new("pat update ci --scope vso.code --expires 2027-01-20")
        .answer(page(vec![ci()], None))
        .answer(Answer::Pat(pat("c1c1c1c1", "ci", "vso.code", 2)));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"update","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001","scope":"vso.code","expires_at":1800489599}
    ----- stdout -----
    token `ci` may now `vso.code` until 2027-01-17
    ----- stderr -----
    warning: `contoso` gives tokens less time than you asked for: it ends on 2027-01-17, in 2 d and not in 5 d 15 h
    "#);
    assert_eq!(Run::new("pat update ci").made().exit.code(), 2);
}

#[test]
fn one_that_is_kept_for_another_account_is_told_from_none() {
    let mut kept = ci();
    kept.held = PatHeld::Kept { name: "box".to_owned() };
    let run = Run::new("pat regenerate box --print")
        .answer(page(vec![pat("d2d2d2d2", "other", "vso.code", 1)], None))
        .answer(page(vec![kept], None));
    assert_snapshot!(run.made().err, @"
    error: the token kept as `box` is of another account or organisation
    hint: pass `--org contoso`; where another account is used for it, run `valetkey account use contoso ACCOUNT` with the token's own first
    ");
}

#[test]
fn scopes_by_word() {
    assert_snapshot!(Run::new("pat scopes packag").shown(), @"
    exit: 0 (Done)
    ----- stdout -----
    SCOPE                       MAY
    vso.packaging               read feeds and packages: a restore
    vso.packaging_write         push packages
    vso.packaging_manage  wide  delete packages, manage feeds
    ");
}
