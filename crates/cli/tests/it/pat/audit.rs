//! Tokens that may do too much or live too long.

use insta::assert_snapshot;
use valetkey_protocol::PatHeld;

use super::{ci, page, pat};
use crate::harness::Run;

#[test]
fn looked_over() {
    let mut everything = pat("aaaaaaaa", "it's all", "app_token", 365);
    everything.all_organisations = true;
    let mut broken_off = pat("bbbbbbbb", "half", "vso.build", 10);
    broken_off.held = PatHeld::Unsettled { replaces: vec!["x".to_owned()] };
    let mut own = pat("eeeeeeee", "valetkey laptop git-read 00", "vso.code", 1);
    own.held = PatHeld::Key;
    let pats = vec![
        everything,
        broken_off,
        pat("cccccccc", "repos", "vso.code_full", 90),
        pat("dddddddd", "deploy", "vso.release_manage vso.build", 200),
        own,
    ];
    assert_snapshot!(Run::new("pat audit").answer(page(pats, None)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    ----- stdout -----
    aaaaaaaa  it's all  app_token
      all-organisations: good for all your organisations; such tokens end on 2026-12-01
      wide: `app_token`: everything you may do
      long-lived: made for 365 d, 365 d are left
      unused: Valetkey does not use it, and Azure DevOps does not say who does
      → valetkey pat create 'it'\''s all' --org contoso --scope 'SCOPE' --expires 30d
      → valetkey pat revoke --org contoso aaaaaaaa
    bbbbbbbb  half  vso.build
      unsettled: making it was broken off; its value may be nowhere
      → valetkey pat regenerate --org contoso bbbbbbbb
      → valetkey pat revoke --org contoso bbbbbbbb
    cccccccc  repos  vso.code_full
      wide: `vso.code_full`: everything about code, old client interfaces included
      unused: Valetkey does not use it, and Azure DevOps does not say who does
      → valetkey setup git && valetkey setup nuget
      → valetkey pat revoke --org contoso cccccccc
    dddddddd  deploy  vso.release_manage vso.build
      wide: `vso.release_manage`: delete releases and definitions
      long-lived: made for 200 d, 200 d are left
      unused: Valetkey does not use it, and Azure DevOps does not say who does
      → valetkey pat regenerate --org contoso dddddddd --scope 'vso.release_execute vso.build' --expires 30d
    "#);
}

#[test]
fn nothing_to_see_to() {
    let mut kept = ci();
    kept.held = PatHeld::Kept { name: "ci".to_owned() };
    assert_snapshot!(Run::new("pat audit").answer(page(vec![kept], None)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    ----- stderr -----
    1 token looked at: nothing to see to
    "#);
    let made = Run::new("pat audit").answer(page(vec![ci()], None)).made();
    assert_eq!(made.exit.code(), 0, "whether it is used nobody knows");
    assert!(made.out.contains("unused:"));
}
