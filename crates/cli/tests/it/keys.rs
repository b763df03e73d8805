use insta::assert_snapshot;
use valetkey_protocol::{Answer, EndingKey, Issuer, KeyStatus, Revoked};

use crate::harness::{NOW, Run};

fn key(id: &str, scope: &str, expires_at: u64) -> KeyStatus {
    KeyStatus {
        id: id.to_owned(),
        account: "alice@contoso.com".to_owned(),
        organisation: "contoso".to_owned(),
        scope: scope.to_owned(),
        created_at: NOW,
        expires_at,
        handed_out: 3,
        display_name: "valetkey host git fetch 1f2e".to_owned(),
        issuer: Issuer::Pat,
    }
}

fn two() -> Answer {
    Answer::Keys { keys: vec![key("k1", "vso.code", NOW + 28_800), key("k22", "vso.code_write", NOW + 59)] }
}

fn revoked(revoked: u32, pending: u32) -> Answer {
    Answer::Revoked(Revoked { revoked, pending, ..Revoked::default() })
}

#[test]
fn what_nobody_can_revoke_is_told_with_its_end() {
    let ending = vec![
        EndingKey { issuer: Issuer::Session, organisation: "locked".to_owned(), expires_at: NOW + 28_800 },
        EndingKey { issuer: Issuer::Entra, organisation: "strict".to_owned(), expires_at: NOW + 3000 },
    ];
    let answer = || Answer::Revoked(Revoked { revoked: 1, ending: ending.clone(), ..Revoked::default() });
    assert_snapshot!(Run::new("keys revoke --all").answer(answer()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"revoke","which":{"by":"all"}}
    ----- stdout -----
    1 key revoked
    ----- stderr -----
    warning: the session token for `locked` cannot be revoked: it ends by itself in 8 h
    warning: the Entra token for `strict` cannot be revoked: it ends by itself in 50 min
    "#);
    assert_snapshot!(Run::new("keys revoke k1").answer(answer()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"revoke","which":{"by":"id","id":"k1"}}
    ----- stdout -----
    1 key revoked
    ----- stderr -----
    warning: the session token for `locked` cannot be revoked: it ends by itself in 8 h
    warning: the Entra token for `strict` cannot be revoked: it ends by itself in 50 min
    "#);
}

#[test]
fn listed() {
    assert_snapshot!(Run::new("keys list").answer(two()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"keys"}
    ----- stdout -----
    ID   ORGANISATION  SCOPE           LIVES FOR  USED  ACCOUNT
    k1   contoso       vso.code        8 h        3     alice@contoso.com
    k22  contoso       vso.code_write  59 s       3     alice@contoso.com
    "#);
}

#[test]
fn listed_as_json() {
    assert_snapshot!(Run::new("keys list --json").answer(two()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"keys"}
    ----- stdout -----
    [
      {
        "id": "k1",
        "account": "alice@contoso.com",
        "organisation": "contoso",
        "scope": "vso.code",
        "created_at": 1800000000,
        "expires_at": 1800028800,
        "handed_out": 3,
        "display_name": "valetkey host git fetch 1f2e",
        "issuer": "pat"
      },
      {
        "id": "k22",
        "account": "alice@contoso.com",
        "organisation": "contoso",
        "scope": "vso.code_write",
        "created_at": 1800000000,
        "expires_at": 1800000059,
        "handed_out": 3,
        "display_name": "valetkey host git fetch 1f2e",
        "issuer": "pat"
      }
    ]
    "#);
}

#[test]
fn none() {
    assert_snapshot!(Run::new("keys list").answer(Answer::Keys { keys: Vec::new() }).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"keys"}
    ----- stderr -----
    no key is alive
    "#);
    assert_eq!(Run::new("keys list --json").answer(Answer::Keys { keys: Vec::new() }).made().out, "[]\n");
}

#[test]
fn one_revoked() {
    assert_snapshot!(Run::new("keys revoke k22").answer(revoked(1, 0)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"revoke","which":{"by":"id","id":"k22"}}
    ----- stdout -----
    1 key revoked
    "#);
}

#[test]
fn one_that_is_not_there() {
    assert_snapshot!(Run::new("keys revoke k9").answer(revoked(0, 0)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"revoke","which":{"by":"id","id":"k9"}}
    ----- stderr -----
    error: there is no key with this id
    hint: `valetkey keys list` shows the ids
    "#);
}

#[test]
fn an_organisation() {
    assert_snapshot!(Run::new("keys revoke --org Contoso").answer(revoked(3, 2)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"revoke","which":{"by":"organisation","organisation":"contoso"}}
    ----- stdout -----
    3 keys revoked
    ----- stderr -----
    warning: 2 keys could not be revoked yet: the service did not answer
    hint: `valetkey status` shows what is left
    "#);
}

#[test]
fn all_of_none() {
    assert_snapshot!(Run::new("keys revoke --all").answer(revoked(0, 0)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"revoke","which":{"by":"all"}}
    ----- stdout -----
    no key revoked
    "#);
}
