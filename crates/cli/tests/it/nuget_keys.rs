use insta::assert_snapshot;
use valetkey_cli::Exit;
use valetkey_protocol::{
    Answer, NugetChecked, NugetKeyStatus, NugetRefresh, NugetRight, NugetVerdict, Reason,
};

use crate::harness::{NOW, Run};

fn key(name: &str, operations: Vec<NugetRight>) -> NugetKeyStatus {
    NugetKeyStatus {
        name: name.to_owned(),
        owner: "contoso".to_owned(),
        globs: vec!["Contoso.*".to_owned(), "Fabrikam".to_owned()],
        operations,
        expires_at: Some(NOW + 86_400 * 40),
        kind: "v4".to_owned(),
        ..NugetKeyStatus::default()
    }
}

fn ending(name: &str) -> NugetKeyStatus {
    NugetKeyStatus {
        expires_at: Some(NOW + 86_400 * 3),
        warning: Some("it ends in 3 days".to_owned()),
        ..key(name, vec![NugetRight::Push])
    }
}

fn keys(keys: Vec<NugetKeyStatus>) -> Answer {
    Answer::NugetKeys { keys }
}

fn checked(key: NugetKeyStatus, verdict: NugetVerdict, warnings: &[&str]) -> Answer {
    let warnings = warnings.iter().map(|text| (*text).to_owned()).collect();
    Answer::NugetChecked(NugetChecked { key, verdict, warnings })
}

fn refresh(key: NugetKeyStatus) -> Answer {
    Answer::NugetRefresh(NugetRefresh {
        key,
        page: "https://www.nuget.org/account/apikeys".to_owned(),
        steps: vec!["Sign in as contoso".to_owned(), "Choose Refresh at `ci`, then Copy".to_owned()],
    })
}

#[test]
fn a_key_is_kept() {
    let run = Run::new("nuget keys add ci --owner contoso --glob Contoso.* --glob Fabrikam --allow push-version --expires 40d")
        .passphrase("oy2canary")
        .answer(keys(vec![key("ci", vec![NugetRight::PushVersion])]));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"add","name":"ci","owner":"contoso","globs":["Contoso.*","Fabrikam"],"operations":["push-version"],"expires_at":1803456000,"secret":"oy2canary"}
    ----- stdout -----
    key `ci` is kept; it lives for 40 d
    "#);
}

#[test]
fn a_key_whose_end_nobody_knows_is_said() {
    let unknown = NugetKeyStatus { expires_at: None, ..key("ci", vec![NugetRight::Push]) };
    let run = Run::new("nuget keys add ci --owner contoso --glob * --allow push")
        .passphrase("oy2canary")
        .answer(keys(vec![unknown]));
    let made = run.made();
    assert!(made.out.contains("nobody knows when it ends"), "{}", made.out);
}

#[test]
fn a_day_that_is_none_is_refused_before_anything_is_asked() {
    let run = Run::new("nuget keys add ci --owner contoso --glob * --allow push --expires soon")
        .passphrase("oy2canary");
    assert_snapshot!(run.shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `soon` is no day and no number of days
    hint: say it as `2027-03-01`, or as `365d`
    ");
}

#[test]
fn without_a_terminal_and_without_input_nothing_is_kept() {
    assert_snapshot!(Run::new("nuget keys add ci --owner contoso --glob * --allow push").shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: the key cannot be asked for: there is no terminal
    hint: run it in a terminal, or pipe the key into it
    ");
}

#[test]
fn listed() {
    let refused = NugetKeyStatus { refused_at: Some(NOW), ..key("dead", vec![NugetRight::Unlist]) };
    let unknown = NugetKeyStatus { expires_at: None, ..key("odd", vec![NugetRight::Unknown]) };
    let all = || {
        keys(vec![
            key("ci", vec![NugetRight::PushVersion, NugetRight::Unlist]),
            ending("old"),
            refused.clone(),
            unknown.clone(),
        ])
    };
    assert_snapshot!(Run::new("nuget keys list").answer(all()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"list"}
    ----- stdout -----
    NAME  OWNER    MAY                           PACKAGES            LIVES FOR
    ci    contoso  push-version, unlist          Contoso.* Fabrikam  40 d
    old   contoso  push                          Contoso.* Fabrikam  3 d
    dead  contoso  unlist                        Contoso.* Fabrikam  refused by nuget.org
    odd   contoso  more than this version knows  Contoso.* Fabrikam  unknown
    ----- stderr -----
    warning: key `old`: it ends in 3 days
    hint: run `valetkey nuget keys refresh old`
    "#);
    let json = Run::new("nuget keys list --json").answer(all()).made().out;
    let read: Vec<NugetKeyStatus> = serde_json::from_str(&json).unwrap();
    assert_eq!(read.len(), 4);
}

#[test]
fn none_listed() {
    assert_snapshot!(Run::new("nuget keys list").answer(keys(Vec::new())).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"list"}
    ----- stderr -----
    no key of nuget.org is kept
    "#);
    assert_eq!(Run::new("nuget keys list --json").answer(keys(Vec::new())).made().out, "[]\n");
}

#[test]
fn one_shown() {
    let run = Run::new("nuget keys show old").answer(keys(vec![key("ci", Vec::new()), ending("old")]));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"list"}
    ----- stdout -----
    name      old
    owner     contoso
    may       push
    packages  Contoso.* Fabrikam
    lives for 3 d
    kind      v4
    ----- stderr -----
    warning: key `old`: it ends in 3 days
    hint: run `valetkey nuget keys refresh old`
    "#);
    let run = Run::new("nuget keys show absent").answer(keys(vec![ending("old")]));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"nuget-org","do":"list"}
    ----- stderr -----
    error: there is no key called `absent`
    hint: `valetkey nuget keys list` shows the names
    "#);
}

#[test]
fn one_removed() {
    assert_snapshot!(Run::new("nuget keys remove ci").answer(Answer::Done).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"remove","name":"ci"}
    ----- stdout -----
    key `ci` is forgotten here
    ----- stderr -----
    hint: on nuget.org it lives on; delete it at https://www.nuget.org/account/apikeys
    "#);
}

#[test]
fn one_verified() {
    let warning = "Your API key expires in 3 days. Visit https://www.nuget.org/account/ApiKeys to regenerate your API key.";
    let answer = checked(ending("ci"), NugetVerdict::MayPush, &[warning]);
    assert_snapshot!(Run::new("nuget keys verify ci Contoso.Core 1.0.0").answer(answer).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"verify","name":"ci","package":"Contoso.Core","version":"1.0.0"}
    ----- stdout -----
    key `ci` is good: nuget.org takes it for this package
    ----- stderr -----
    warning: nuget.org says: Your API key expires in 3 days. Visit https://www.nuget.org/account/ApiKeys to regenerate your API key.
    warning: key `ci`: it ends in 3 days
    hint: run `valetkey nuget keys refresh ci`
    "#);
    let run = Run::new("nuget keys verify ci Contoso.Core 1.0.0").refuse(
        Reason::AccessDenied,
        "nuget.org refuses the key `ci`",
        "refresh it",
    );
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"nuget-org","do":"verify","name":"ci","package":"Contoso.Core","version":"1.0.0"}
    ----- stderr -----
    error: nuget.org refuses the key `ci`
    hint: refresh it
    "#);
}

#[test]
fn a_refresh_is_explained_and_checked() {
    let before = key("ci", vec![NugetRight::Push]);
    let run = Run::new("nuget keys refresh ci Contoso.Core 1.0.0 --expires 365d")
        .passphrase("oy2canary")
        .answer(refresh(before.clone()))
        .answer(checked(before, NugetVerdict::MayPush, &[]));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"begin-refresh","name":"ci"}
    asked: OnDemand {"type":"nuget-org","do":"complete-refresh","name":"ci","secret":"oy2canary","expires_at":1831536000,"proof":{"by":"package","package":"Contoso.Core","version":"1.0.0"}}
    ----- stdout -----
    key `ci` is refreshed: nuget.org takes it for this package; it lives for 40 d
    ----- stderr -----
    Open https://www.nuget.org/account/apikeys

      1. Sign in as contoso
      2. Choose Refresh at `ci`, then Copy
    "#);
}

#[test]
fn a_key_that_may_only_unlist_is_refreshed_on_a_persons_word() {
    let before = key("ci", vec![NugetRight::Unlist]);
    for line in ["nuget keys refresh ci", "nuget keys refresh ci Contoso.Core 1.0.0"] {
        let made = Run::new(line)
            .passphrase("oy2canary")
            .answer(refresh(before.clone()))
            .answer(checked(before.clone(), NugetVerdict::Unchecked, &[]))
            .made();
        assert_eq!(made.exit, Exit::Done, "{}", made.err);
        assert!(made.asked[1].contains(r#""proof":{"by":"person"}"#), "{:?}", made.asked);
    }
}

#[test]
fn a_refresh_that_cannot_be_checked_is_not_begun() {
    let run = Run::new("nuget keys refresh ci")
        .passphrase("oy2canary")
        .answer(refresh(key("ci", vec![NugetRight::Push])));
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"nuget-org","do":"begin-refresh","name":"ci"}
    ----- stderr -----
    error: the new value of `ci` cannot be checked: no package is named
    hint: name one that is on nuget.org: `valetkey nuget keys refresh ci <id> <version>`
    "#);
}

#[test]
fn unlisted() {
    let key = || key("tidy", vec![NugetRight::Unlist]);
    let run = Run::new("nuget unlist Contoso.Core 1.0.0").answer(checked(key(), NugetVerdict::Done, &[]));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"unlist","package":"Contoso.Core","version":"1.0.0","relist":false}
    ----- stdout -----
    Contoso.Core 1.0.0 unlisted with the key `tidy`
    "#);
    let run =
        Run::new("nuget unlist Contoso.Core 1.0.0 --relist").answer(checked(key(), NugetVerdict::Done, &[]));
    assert_snapshot!(run.shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"nuget-org","do":"unlist","package":"Contoso.Core","version":"1.0.0","relist":true}
    ----- stdout -----
    Contoso.Core 1.0.0 relisted with the key `tidy`
    "#);
}
