use insta::assert_snapshot;
use valetkey_protocol::{
    Answer, PatHeld, PatMade, PatSettled, PatStatus, PatValue, Pats, Reason, Refusal, Revoked,
};

use crate::harness::{NOW, Run};

const DAY: u64 = 86_400;

fn pat(id: &str, name: &str, scope: &str, days: u64) -> PatStatus {
    PatStatus {
        id: format!("{id}-0000-4000-8000-000000000001"),
        name: name.to_owned(),
        organisation: "contoso".to_owned(),
        scope: scope.to_owned(),
        created_at: NOW,
        expires_at: NOW + days * DAY,
        all_organisations: false,
        held: PatHeld::No,
    }
}

fn page(pats: Vec<PatStatus>, next: Option<&str>) -> Answer {
    Answer::Pats(Pats { pats, next: next.map(str::to_owned) })
}

fn made(pat: PatStatus) -> Answer {
    let asked_until = pat.expires_at;
    Answer::PatMade(PatMade { pat, ticket: Some("ticket".to_owned()), asked_until, settled: None })
}

fn value(pat: PatStatus) -> Answer {
    Answer::PatValue(PatValue { pat, secret: "canary".into() })
}

fn settled(revoked: u32, pending: u32, sentence: &str) -> Answer {
    Answer::PatSettled(PatSettled { revoked, pending, sentence: sentence.to_owned() })
}

fn ci() -> PatStatus {
    pat("c1c1c1c1", "ci", "vso.build", 30)
}

/// A whole creation, with what happens at its end left to the caller.
fn creation(more: &str) -> Run {
    Run::new(&format!("pat create ci --scope vso.build {more}")).answer(made(ci())).answer(value(ci()))
}

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
fn revoked() {
    let one = || Answer::Revoked(Revoked { revoked: 1, ..Revoked::default() });
    let both = vec![ci(), pat("d2d2d2d2", "other", "vso.code", 1)];
    let run = Run::new("pat revoke ci d2d2")
        .answer(page(both.clone(), None))
        .answer(page(both.clone(), None))
        .answer(one())
        .answer(one());
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"list","filter":"active","descending":false}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"c1c1c1c1-0000-4000-8000-000000000001"}
    asked: OnDemand {"type":"pat","do":"revoke","organisation":"contoso","id":"d2d2d2d2-0000-4000-8000-000000000001"}
    ----- stdout -----
    2 keys revoked
    "#);
    let run = Run::new("pat revoke ci nonesuch").answer(page(both.clone(), None)).answer(page(both, None));
    assert_snapshot!(run.made().err, @"
    error: no token that works is called `nonesuch`
    hint: `valetkey pat list` shows names and ids; one that has ended is named by its whole id
    ");
}

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

#[test]
fn used_by_name() {
    assert_snapshot!(Run::new("pat use box --to-command -- docker login").answer(value(ci())).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"pat","do":"use","name":"box"}
    ran: fed canary docker login
    "#);
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

#[test]
fn two_places_are_one_too_many() {
    for line in ["--print --show", "--keep x --print", "--to-command", "--print -- cat"] {
        let made = Run::new(&format!("pat create ci --scope vso.build {line}")).made();
        assert_eq!(made.exit.code(), 2, "{line}");
    }
}
