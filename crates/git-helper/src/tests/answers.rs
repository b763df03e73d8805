use proptest::prelude::*;
use valetkey_protocol::{Reason, Refusal};

use super::*;

fn answered(input: &str, change: impl Fn(&mut Credential)) -> Output {
    get(input, |_| {
        let mut key = key();
        change(&mut key);
        Ok(Answer::Credential(key))
    })
}

fn with_state(input: &str) -> String {
    format!("capability[]=authtype\ncapability[]=state\n{input}")
}

#[test]
fn what_a_person_should_know_goes_beside_a_good_key() {
    let notice = Refusal::new(Reason::NeedsLogin, "the session has ended\nquit=1", "run `valetkey login`");
    let output = answered(AZURE, |key| key.notice = Some(notice.clone()));
    assert!(output.stdout.contains("password=canary-key\n"), "{}", output.stdout);
    assert!(output.stderr.starts_with("valetkey: the session has ended"), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
}

#[test]
fn an_old_git_gets_name_password_and_expiry() {
    insta::assert_snapshot!(answered(AZURE, |_| {}), @r"
    exit: 0
    --- stdout
    username=valetkey
    password=canary-key
    password_expiry_utc=1800000000
    --- stderr
    ");
}

#[test]
fn a_git_that_keeps_state_is_asked_to_come_back_once() {
    insta::assert_snapshot!(answered(&with_state(AZURE), |_| {}), @r"
    exit: 0
    --- stdout
    capability[]=state
    username=valetkey
    password=canary-key
    password_expiry_utc=1800000000
    state[]=valetkey:k1
    continue=1
    --- stderr
    ");
    let plain = answered(AZURE, |_| {}).stdout;
    let second = answered(&with_state(&format!("{AZURE}state[]=valetkey:k0\n")), |_| {});
    assert_eq!(second.stdout, plain, "even where the agent would allow it");
    assert_eq!(answered(&with_state(AZURE), |key| key.may_retry = false).stdout, plain);
}

#[test]
fn a_value_that_could_start_a_line_is_not_printed() {
    let spoil: [fn(&mut Credential); 7] = [
        |key| key.username = "a\npassword=b".into(),
        |key| key.username = String::new(),
        |key| key.password = "a\nquit=1".into(),
        |key| key.password = "a\rb".into(),
        |key| key.password = "".into(),
        |key| key.state = "a\ncontinue=1".into(),
        |key| key.password = "a".repeat(valetkey_protocol::MAX_LINE + 1).into(),
    ];
    for spoil in spoil {
        let output = answered(&with_state(AZURE), spoil);
        assert_eq!(output.stdout, "quit=1\n");
        assert_eq!(
            output.stderr,
            "valetkey: the agent's answer is not understood; run `valetkey agent restart`\n"
        );
    }
}

#[test]
fn a_key_without_an_end_has_no_expiry_line() {
    assert_eq!(answered(AZURE, |key| key.expires_at = 0).stdout, "username=valetkey\npassword=canary-key\n");
}

const EVERY_REASON: [Reason; 25] = [
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
    Reason::SignInAbandoned,
    Reason::VersionMismatch,
    Reason::Busy,
    Reason::ShuttingDown,
    Reason::NotPermitted,
    Reason::Internal,
    Reason::Unknown,
];

/// One line a reason: exit code, then both streams with their line ends shown.
fn refusals(input: &str) -> String {
    let line = |reason: Reason| {
        let refusal =
            Refusal::new(reason, format!("the sentence of {reason:?}"), "run `valetkey login contoso`");
        let output = get(input, |_| Ok(Answer::Refused(refusal.clone())));
        format!("{reason:?}: {} {:?} {:?}\n", output.status, output.stdout, output.stderr)
    };
    EVERY_REASON.into_iter().map(line).collect()
}

#[test]
fn a_refusal_is_one_line_and_stops_git() {
    insta::assert_snapshot!(refusals(AZURE), @r#"
    NotOurs: 0 "" ""
    BadRequest: 0 "" ""
    NeedsLogin: 0 "quit=1\n" "valetkey: the sentence of NeedsLogin; run `valetkey login contoso`\n"
    NeedsInteraction: 0 "quit=1\n" "valetkey: the sentence of NeedsInteraction; run `valetkey login contoso`\n"
    NeedsConsent: 0 "quit=1\n" "valetkey: the sentence of NeedsConsent; run `valetkey login contoso`\n"
    BlockedByPolicy: 0 "quit=1\n" "valetkey: the sentence of BlockedByPolicy; run `valetkey login contoso`\n"
    KeyForbidden: 0 "quit=1\n" "valetkey: the sentence of KeyForbidden; run `valetkey login contoso`\n"
    AccessDenied: 0 "quit=1\n" "valetkey: the sentence of AccessDenied; run `valetkey login contoso`\n"
    OrganisationUnknown: 0 "quit=1\n" "valetkey: the sentence of OrganisationUnknown; run `valetkey login contoso`\n"
    OrganisationNotAllowed: 0 "quit=1\n" "valetkey: the sentence of OrganisationNotAllowed; run `valetkey login contoso`\n"
    OperationNotAllowed: 0 "quit=1\n" "valetkey: the sentence of OperationNotAllowed; run `valetkey login contoso`\n"
    Throttled: 0 "quit=1\n" "valetkey: the sentence of Throttled; run `valetkey login contoso`\n"
    Unavailable: 0 "quit=1\n" "valetkey: the sentence of Unavailable; run `valetkey login contoso`\n"
    Proxy: 0 "quit=1\n" "valetkey: the sentence of Proxy; run `valetkey login contoso`\n"
    Tls: 0 "quit=1\n" "valetkey: the sentence of Tls; run `valetkey login contoso`\n"
    Locked: 0 "quit=1\n" "valetkey: the sentence of Locked; run `valetkey login contoso`\n"
    VaultUnavailable: 0 "quit=1\n" "valetkey: the sentence of VaultUnavailable; run `valetkey login contoso`\n"
    Configuration: 0 "quit=1\n" "valetkey: the sentence of Configuration; run `valetkey login contoso`\n"
    SignInAbandoned: 0 "quit=1\n" "valetkey: the sentence of SignInAbandoned; run `valetkey login contoso`\n"
    VersionMismatch: 0 "quit=1\n" "valetkey: the sentence of VersionMismatch; run `valetkey login contoso`\n"
    Busy: 0 "quit=1\n" "valetkey: the sentence of Busy; run `valetkey login contoso`\n"
    ShuttingDown: 0 "quit=1\n" "valetkey: the sentence of ShuttingDown; run `valetkey login contoso`\n"
    NotPermitted: 0 "quit=1\n" "valetkey: the sentence of NotPermitted; run `valetkey login contoso`\n"
    Internal: 0 "quit=1\n" "valetkey: the sentence of Internal; run `valetkey login contoso`\n"
    Unknown: 0 "quit=1\n" "valetkey: the sentence of Unknown; run `valetkey login contoso`\n"
    "#);
}

#[test]
fn a_foreign_host_hears_only_of_what_the_agent_took_for_its_own() {
    insta::assert_snapshot!(refusals("protocol=https\nhost=git.corp.example:8443\n"), @r#"
    NotOurs: 0 "" ""
    BadRequest: 0 "" ""
    NeedsLogin: 0 "quit=1\n" "valetkey: the sentence of NeedsLogin; run `valetkey login contoso`\n"
    NeedsInteraction: 0 "quit=1\n" "valetkey: the sentence of NeedsInteraction; run `valetkey login contoso`\n"
    NeedsConsent: 0 "quit=1\n" "valetkey: the sentence of NeedsConsent; run `valetkey login contoso`\n"
    BlockedByPolicy: 0 "quit=1\n" "valetkey: the sentence of BlockedByPolicy; run `valetkey login contoso`\n"
    KeyForbidden: 0 "quit=1\n" "valetkey: the sentence of KeyForbidden; run `valetkey login contoso`\n"
    AccessDenied: 0 "quit=1\n" "valetkey: the sentence of AccessDenied; run `valetkey login contoso`\n"
    OrganisationUnknown: 0 "quit=1\n" "valetkey: the sentence of OrganisationUnknown; run `valetkey login contoso`\n"
    OrganisationNotAllowed: 0 "quit=1\n" "valetkey: the sentence of OrganisationNotAllowed; run `valetkey login contoso`\n"
    OperationNotAllowed: 0 "quit=1\n" "valetkey: the sentence of OperationNotAllowed; run `valetkey login contoso`\n"
    Throttled: 0 "quit=1\n" "valetkey: the sentence of Throttled; run `valetkey login contoso`\n"
    Unavailable: 0 "quit=1\n" "valetkey: the sentence of Unavailable; run `valetkey login contoso`\n"
    Proxy: 0 "quit=1\n" "valetkey: the sentence of Proxy; run `valetkey login contoso`\n"
    Tls: 0 "quit=1\n" "valetkey: the sentence of Tls; run `valetkey login contoso`\n"
    Locked: 0 "quit=1\n" "valetkey: the sentence of Locked; run `valetkey login contoso`\n"
    VaultUnavailable: 0 "quit=1\n" "valetkey: the sentence of VaultUnavailable; run `valetkey login contoso`\n"
    Configuration: 0 "quit=1\n" "valetkey: the sentence of Configuration; run `valetkey login contoso`\n"
    SignInAbandoned: 0 "quit=1\n" "valetkey: the sentence of SignInAbandoned; run `valetkey login contoso`\n"
    VersionMismatch: 0 "" ""
    Busy: 0 "" ""
    ShuttingDown: 0 "" ""
    NotPermitted: 0 "" ""
    Internal: 0 "" ""
    Unknown: 0 "" ""
    "#);
}

#[test]
fn a_refusal_of_a_hostile_agent_is_still_one_line() {
    let refusal = Refusal {
        reason: Reason::NeedsLogin,
        sentence: "a\nusername=evil\u{1b}[2J".into(),
        hint: String::new(),
        retry_after: None,
    };
    insta::assert_snapshot!(get(AZURE, |_| Ok(Answer::Refused(refusal.clone()))), @r"
    exit: 0
    --- stdout
    quit=1
    --- stderr
    valetkey: a�username=evil�[2J
    ");
}

fn client_errors() -> [ClientError; 5] {
    [
        ClientError::NoAgent,
        ClientError::AgentFailed { sentence: "no keyring".into(), hint: "unlock it".into() },
        ClientError::TimedOut(valetkey_client::Phase::Answer),
        ClientError::Broken(valetkey_client::Phase::Answer),
        ClientError::Version(Refusal::new(
            Reason::VersionMismatch,
            "the agent is older",
            "run `valetkey agent restart`",
        )),
    ]
}

#[test]
fn an_agent_that_does_not_answer_is_one_line_and_stops_git() {
    let said: String = client_errors()
        .map(|error| {
            let mut error = Some(error);
            let output = get(AZURE, |_| Err(error.take().unwrap()));
            format!("{} {:?} {:?}\n", output.status, output.stdout, output.stderr)
        })
        .concat();
    insta::assert_snapshot!(said, @r#"
    0 "quit=1\n" "valetkey: the agent is not running; run `valetkey agent start`\n"
    0 "quit=1\n" "valetkey: no keyring; unlock it\n"
    0 "quit=1\n" "valetkey: the agent did not answer in time; run `valetkey agent restart`\n"
    0 "quit=1\n" "valetkey: the agent went away before it could answer; try again; if it happens twice, run `valetkey agent restart`\n"
    0 "quit=1\n" "valetkey: the agent is older; run `valetkey agent restart`\n"
    "#);
}

#[test]
fn an_agent_that_does_not_answer_for_a_foreign_host_is_nothing() {
    for error in client_errors() {
        let mut error = Some(error);
        let output = get("protocol=https\nhost=github.com\n", |_| Err(error.take().unwrap()));
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
    }
}

#[test]
fn an_answer_to_another_question_is_not_understood() {
    assert_eq!(get(AZURE, |_| Ok(Answer::Done)).stdout, "quit=1\n");
    assert_eq!(get("protocol=https\nhost=github.com\n", |_| Ok(Answer::Unknown)).stdout, "");
}

proptest! {
    /// Whatever an agent says, git reads only lines that this helper meant to write.
    #[test]
    fn no_answer_breaks_out_of_its_line(
        username in any::<String>(), password in any::<String>(), state in any::<String>(),
        sentence in any::<String>(), refuse in any::<bool>(), expires_at in any::<u64>(),
    ) {
        let output = get(&with_state(AZURE), |_| Ok(if refuse {
            let hint = sentence.clone();
            Answer::Refused(Refusal { reason: Reason::Locked, sentence: sentence.clone(), hint, retry_after: None })
        } else {
            let (username, password, state) = (username.clone(), password.clone().into(), state.clone());
            Answer::Credential(Credential { username, password, state, expires_at, ..key() })
        }));
        let known = ["capability[]", "username", "password", "password_expiry_utc", "state[]", "continue", "quit"];
        for line in output.stdout.split_terminator('\n') {
            prop_assert!(valetkey_protocol::is_clean(line));
            prop_assert!(line.split_once('=').is_some_and(|(key, _)| known.contains(&key)), "{line:?}");
        }
        prop_assert!(output.stderr.lines().count() <= 1);
        prop_assert!(valetkey_protocol::is_clean(output.stderr.trim_end_matches('\n')));
    }
}
