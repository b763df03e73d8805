use insta::assert_snapshot;
use valetkey_protocol::{Answer, AuditRecord};

use crate::harness::Run;

fn records() -> Answer {
    let minted = AuditRecord {
        time: "2027-01-15T08:00:00Z".to_owned(),
        event: "minted".to_owned(),
        account: "alice@contoso.com".to_owned(),
        organisation: "contoso".to_owned(),
        scope: "vso.code".to_owned(),
        key: "k1".to_owned(),
        peer: "git 4711 git-remote-https".to_owned(),
        note: String::new(),
    };
    let refused = AuditRecord {
        time: "2027-01-15T08:00:02Z".to_owned(),
        event: "refused".to_owned(),
        organisation: "evil\u{1b}]0;x".to_owned(),
        note: "organisation-not-allowed".to_owned(),
        ..AuditRecord::default()
    };
    Answer::Audit { records: vec![minted, refused] }
}

#[test]
fn as_a_table() {
    assert_snapshot!(Run::new("audit").answer(records()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"audit","limit":20}
    ----- stdout -----
    TIME                  EVENT    ORGANISATION  SCOPE     KEY  ACCOUNT            ASKED BY                   NOTE
    2027-01-15T08:00:00Z  minted   contoso       vso.code  k1   alice@contoso.com  git 4711 git-remote-https
    2027-01-15T08:00:02Z  refused  evil�]0;x                                                                  organisation-not-allowed
    "#);
}

#[test]
fn as_json_lines() {
    assert_snapshot!(Run::new("audit -n 2 --json").answer(records()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"audit","limit":2}
    ----- stdout -----
    {"time":"2027-01-15T08:00:00Z","event":"minted","account":"alice@contoso.com","organisation":"contoso","scope":"vso.code","key":"k1","peer":"git 4711 git-remote-https"}
    {"time":"2027-01-15T08:00:02Z","event":"refused","organisation":"evil\u001b]0;x","note":"organisation-not-allowed"}
    "#);
}

#[test]
fn empty() {
    assert_snapshot!(Run::new("audit").answer(Answer::Audit { records: Vec::new() }).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"audit","limit":20}
    ----- stderr -----
    the audit trail is empty
    "#);
}
