use insta::assert_snapshot;
use valetkey_protocol::{
    AccountStatus, Answer, AzureCli, Detour, Issuer, KeyStatus, Reason, Refusal, SessionState, StatusReport,
    TokenSource, VaultState, VaultStatus, VaultTier,
};

use crate::harness::{NOW, Run};

fn healthy() -> StatusReport {
    StatusReport {
        version: "0.1.0".to_owned(),
        pid: 4711,
        uptime: 7_500,
        accounts: vec![AccountStatus {
            username: "alice@contoso.com".to_owned(),
            tenant: "contoso".to_owned(),
            client_id: "abc".to_owned(),
            organisations: vec!["contoso".to_owned(), "fabrikam".to_owned()],
            used_for: Vec::new(),
            source: None,
            lends: false,
            session: SessionState::Ready,
            problem: None,
        }],
        keys: vec![KeyStatus {
            id: "k7".to_owned(),
            account: "alice@contoso.com".to_owned(),
            organisation: "contoso".to_owned(),
            scope: "vso.code".to_owned(),
            created_at: NOW - 2_880,
            expires_at: NOW + 25_920,
            handed_out: 12,
            display_name: "valetkey".to_owned(),
            issuer: Issuer::Pat,
        }],
        vault: VaultStatus { state: VaultState::Ready, ..VaultStatus::default() },
        ..StatusReport::default()
    }
}

fn status(command_line: &str, report: StatusReport) -> String {
    Run::new(command_line).answer(Answer::Status(Box::new(report))).shown()
}

#[test]
fn all_is_well() {
    assert_snapshot!(status("status", healthy()), @r#"
    exit: 0 (Done)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent     running for 2 h 5 min, version 0.1.0, pid 4711
    vault     the system's keyring, ready
    account   alice@contoso.com (tenant contoso) for contoso, fabrikam
              session ready

    ID  ORGANISATION  SCOPE     LIVES FOR   USED  ACCOUNT
    k7  contoso       vso.code  7 h 12 min  12    alice@contoso.com
    "#);
}

#[test]
fn a_session_of_the_azure_cli() {
    let mut report = healthy();
    let az = AzureCli { program: "/usr/bin/az".to_owned(), config_dir: None, ca_bundle: None };
    report.accounts[0].source = Some(TokenSource::AzureCli(az));
    report.keys.clear();
    assert_snapshot!(status("status", report), @r#"
    exit: 0 (Done)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent     running for 2 h 5 min, version 0.1.0, pid 4711
    vault     the system's keyring, ready
    account   alice@contoso.com (tenant contoso) for contoso, fabrikam
              access tokens come from the Azure CLI
              session ready
    keys      none; one is made when git asks for it
    "#);
}

#[test]
fn another_kind_of_key_because_of_a_policy() {
    let mut report = healthy();
    report.detours = vec![Detour {
        organisation: "locked".to_owned(),
        scope: "vso.code".to_owned(),
        issuer: Issuer::Session,
        sentence: "`locked` does not allow you to create personal access tokens".to_owned(),
        seconds: 3_000,
    }];
    let shown = status("status", report);
    let line = shown.lines().find(|line| line.contains("instead")).unwrap();
    assert_snapshot!(line, @"instead   session token for locked (vso.code), tried again in 50 min: `locked` does not allow you to create personal access tokens");
}

#[test]
fn nobody_is_signed_in() {
    let report = StatusReport { accounts: Vec::new(), keys: Vec::new(), ..healthy() };
    assert_snapshot!(status("status", report), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent     running for 2 h 5 min, version 0.1.0, pid 4711
    vault     the system's keyring, ready
    account   none is signed in; next: run `valetkey login <organisation>`
    keys      none; one is made when git asks for it
    "#);
}

#[test]
fn everything_at_once() {
    let mut report = healthy();
    report.locked = true;
    report.to_revoke = 3;
    report.audit_lost = 1;
    report.warnings = vec!["the clock jumped by 8 h".to_owned(), "two\nlines".to_owned()];
    report.vault = VaultStatus {
        tier: VaultTier::Sealed,
        state: VaultState::Locked,
        sentence: "the sealed file is locked".to_owned(),
        hint: "run `valetkey unlock`".to_owned(),
    };
    report.accounts[0].session = SessionState::Ended;
    report.accounts[0].problem = Some(Refusal::new(
        Reason::NeedsLogin,
        "the password was changed (AADSTS50173)",
        "run `valetkey login contoso`",
    ));
    let mut waiting = healthy().accounts.remove(0);
    waiting.username = "bob@fabrikam.com".to_owned();
    waiting.organisations.clear();
    waiting.session = SessionState::Waiting;
    waiting.problem =
        Some(Refusal::new(Reason::Unavailable, "`login.microsoftonline.com` cannot be reached", ""));
    report.accounts.push(waiting);
    report.keys[0].expires_at = NOW;
    assert_snapshot!(status("status", report), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent     running for 2 h 5 min, version 0.1.0, pid 4711
              locked: no key is handed out; next: run `valetkey unlock`
    vault     sealed file, locked
              the sealed file is locked
              next: run `valetkey unlock`
    account   alice@contoso.com (tenant contoso) for contoso, fabrikam
              session ended: the password was changed (AADSTS50173)
              next: run `valetkey login contoso`
    account   bob@fabrikam.com (tenant contoso) for no organisation
              session waiting for the identity provider: `login.microsoftonline.com` cannot be reached
              next: try again in a moment
    to revoke 3; the agent tries again by itself
    audit     lines that could not be written: 1
    warning   the clock jumped by 8 h
    warning   two�lines

    ID  ORGANISATION  SCOPE     LIVES FOR  USED  ACCOUNT
    k7  contoso       vso.code  expired    12    alice@contoso.com
    "#);
}

#[test]
fn every_state_of_the_vault_is_named() {
    let mut seen = Vec::new();
    for state in [
        VaultState::Untried,
        VaultState::Ready,
        VaultState::Locked,
        VaultState::Hung,
        VaultState::Absent,
        VaultState::Failed,
    ] {
        let vault = VaultStatus { state, ..VaultStatus::default() };
        let made =
            Run::new("status").answer(Answer::Status(Box::new(StatusReport { vault, ..healthy() }))).made();
        let line = made.out.lines().find(|line| line.starts_with("vault")).unwrap().to_owned();
        seen.push(format!("{} {line}", made.exit.code()));
    }
    assert_snapshot!(seen.join("\n"), @"
    0 vault     the system's keyring, not used yet
    0 vault     the system's keyring, ready
    1 vault     the system's keyring, locked
    1 vault     the system's keyring, does not answer
    1 vault     the system's keyring, there is none
    1 vault     the system's keyring, failed
    ");
}

#[test]
fn no_agent() {
    assert_snapshot!(Run::new("status").shown(), @r#"
    exit: 3 (NoAgent)
    asked: Never {"type":"status"}
    ----- stdout -----
    agent     not running; it starts by itself when git or valetkey needs it
    "#);
}

#[test]
fn as_json() {
    assert_snapshot!(status("status --json", healthy()), @r#"
    exit: 0 (Done)
    asked: Never {"type":"status"}
    ----- stdout -----
    {
      "version": "0.1.0",
      "pid": 4711,
      "uptime": 7500,
      "locked": false,
      "accounts": [
        {
          "username": "alice@contoso.com",
          "tenant": "contoso",
          "client_id": "abc",
          "organisations": [
            "contoso",
            "fabrikam"
          ],
          "used_for": [],
          "session": "ready"
        }
      ],
      "keys": [
        {
          "id": "k7",
          "account": "alice@contoso.com",
          "organisation": "contoso",
          "scope": "vso.code",
          "created_at": 1799997120,
          "expires_at": 1800025920,
          "handed_out": 12,
          "display_name": "valetkey",
          "issuer": "pat"
        }
      ],
      "vault": {
        "tier": "os",
        "state": "ready",
        "sentence": "",
        "hint": ""
      },
      "detours": [],
      "to_revoke": 0,
      "audit_lost": 0,
      "warnings": []
    }
    "#);
}

#[test]
fn no_agent_as_json() {
    assert_snapshot!(Run::new("status --json").shown(), @r#"
    exit: 3 (NoAgent)
    asked: Never {"type":"status"}
    ----- stderr -----
    error: no agent is running
    hint: run `valetkey agent start`
    "#);
}
