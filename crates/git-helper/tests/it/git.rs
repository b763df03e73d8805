use valetkey_protocol::{Answer, Credential, ExposeSecret as _, Reason, Refusal, Request};

use crate::sandbox::with_each_git;

const AZURE: &str = "protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n";
/// The first git that knows when a password ends.
const KNOWS_EXPIRY: (u32, u32) = (2, 40);
/// The first git that can come back with a state.
const KEEPS_STATE: (u32, u32) = (2, 46);

fn key(expires_at: u64) -> Answer {
    Answer::Credential(Credential {
        username: "valetkey".into(),
        password: "canary-key".into(),
        expires_at,
        key: "k1".into(),
        scope: "vso.code".into(),
        organisation: "contoso".into(),
        state: "k1".into(),
        may_retry: true,
        fresh: false,
        notice: None,
    })
}

const FAR: u64 = 4_000_000_000;

#[test]
fn git_gets_a_key_and_its_end() {
    with_each_git(|sandbox| {
        let asked = sandbox.agent(|_| Some(key(FAR)));
        let output = sandbox.credential("fill", AZURE);
        let expiry = if sandbox.version() >= KNOWS_EXPIRY { "password_expiry_utc=4000000000\n" } else { "" };
        let head = "protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n";
        let wanted = format!(
            "exit: 0\n--- stdout\n{head}username=valetkey\npassword=canary-key\n{expiry}--- stderr\n\n"
        );
        assert_eq!(output.to_string(), wanted);
        assert!(!sandbox.second_helper_was_asked());
        let Request::Get(question) = asked.recv().unwrap() else { panic!("not a get") };
        assert_eq!(question.target.path.as_deref(), Some("contoso/p/_git/r"));
        assert!(!question.can_retry);
        assert!(question.caller.is_some_and(|caller| caller.pid > 1) || !cfg!(target_os = "linux"));
    });
}

#[test]
fn a_git_that_keeps_state_is_asked_to_come_back() {
    with_each_git(|sandbox| {
        let asked = sandbox.agent(|_| Some(key(FAR)));
        let output = sandbox.credential("fill", &format!("capability[]=state\n{AZURE}"));
        let keeps = sandbox.version() >= KEEPS_STATE;
        assert_eq!(output.status, Some(0), "{output}");
        assert!(output.stdout.contains("password=canary-key\n"), "{output}");
        assert_eq!(output.stdout.contains("state[]=valetkey:k1\n"), keeps, "{output}");
        assert_eq!(output.stdout.contains("continue=1\n"), keeps, "{output}");
        let Request::Get(question) = asked.recv().unwrap() else { panic!("not a get") };
        assert_eq!(question.can_retry, keeps);
        if keeps {
            sandbox.credential("fill", &format!("capability[]=state\nstate[]=valetkey:k1\n{AZURE}"));
            let Request::Get(question) = asked.recv().unwrap() else { panic!("not a get") };
            assert_eq!(question.refused.as_deref(), Some("k1"));
        }
    });
}

#[test]
fn a_dead_key_is_dropped_by_a_git_that_knows_expiry() {
    with_each_git(|sandbox| {
        let _asked = sandbox.agent(|_| Some(key(1)));
        let output = sandbox.credential("fill", AZURE);
        let dropped = sandbox.version() >= KNOWS_EXPIRY;
        assert_eq!(output.stdout.contains("canary-key"), !dropped, "{output}");
        assert_eq!(sandbox.second_helper_was_asked(), dropped, "{output}");
    });
}

#[test]
fn a_refusal_stops_git_before_anybody_is_asked() {
    with_each_git(|sandbox| {
        let _asked = sandbox.agent(|_| {
            let hint = "run `valetkey login contoso`";
            Some(Answer::Refused(Refusal::new(Reason::NeedsLogin, "nobody is signed in", hint)))
        });
        let output = sandbox.credential("fill", AZURE);
        assert!(!sandbox.second_helper_was_asked());
        insta::allow_duplicates! {
            insta::assert_snapshot!(output, @r"
    exit: 128
    --- stdout
    --- stderr
    valetkey: nobody is signed in; run `valetkey login contoso`
    fatal: credential helper '[ROOT]/bin/git-credential-valetkey' told us to quit
    ");
        }
    });
}

#[test]
fn an_agent_that_dies_is_one_line() {
    with_each_git(|sandbox| {
        let _asked = sandbox.agent(|_| None);
        let output = sandbox.credential("fill", AZURE);
        assert!(!sandbox.second_helper_was_asked());
        insta::allow_duplicates! {
            insta::assert_snapshot!(output, @r"
    exit: 128
    --- stdout
    --- stderr
    valetkey: the agent went away before it could answer; try again; if it happens twice, run `valetkey agent restart`
    fatal: credential helper '[ROOT]/bin/git-credential-valetkey' told us to quit
    ");
        }
    });
}

#[test]
fn an_agent_that_cannot_start_is_one_line() {
    with_each_git(|sandbox| {
        sandbox.script("bin/valetkey-agent", r"printf 'failed the configuration is wrong\tcorrect it\n'");
        insta::allow_duplicates! {
            insta::assert_snapshot!(sandbox.credential("fill", AZURE), @r"
    exit: 128
    --- stdout
    --- stderr
    valetkey: the configuration is wrong; correct it
    fatal: credential helper '[ROOT]/bin/git-credential-valetkey' told us to quit
    ");
        }
    });
}

#[test]
fn an_agent_in_the_working_folder_or_the_path_is_not_started() {
    with_each_git(|sandbox| {
        sandbox.script("work/valetkey-agent", "touch \"$0.started\"; echo ready");
        let output = sandbox.credential("fill", AZURE);
        assert!(
            output.stderr.contains("valetkey: `[ROOT]/bin/valetkey-agent` cannot be started: "),
            "{output}"
        );
        assert!(!sandbox.path("work/valetkey-agent.started").exists());
    });
}

#[test]
fn a_foreign_host_is_left_to_others_and_starts_no_agent() {
    with_each_git(|sandbox| {
        sandbox.script("bin/valetkey-agent", "touch \"$0.started\"; echo ready");
        for host in ["github.com", "dev.azure.com.evil.example", "dev.azure.com:8443", "ssh.dev.azure.com"] {
            let output = sandbox.credential("fill", &format!("protocol=https\nhost={host}\n"));
            assert!(output.stdout.contains("password=other\n"), "{output}");
            assert_eq!(output.stderr, "");
        }
        assert!(!sandbox.path("bin/valetkey-agent.started").exists());
    });
}

#[test]
fn hostile_urls_get_no_key() {
    with_each_git(|sandbox| {
        let asked = sandbox.agent(|_| Some(key(FAR)));
        for url in [
            "https://dev.azure.com%0d/contoso/_git/r",
            "https://dev.azure.com%0dhost=evil.example/contoso/_git/r",
            "https://a%0db@dev.azure.com/contoso/_git/r",
            "https://dev.azure.com%0ahost=evil.example/contoso/_git/r",
            "https://dev.azure.com/a%0aprotocol=https",
            "https:///contoso/_git/r",
            "http://dev.azure.com/contoso/_git/r",
            "https://dev.\u{430}zure.com/contoso/_git/r",
        ] {
            let output = sandbox.credential("fill", &format!("url={url}\n"));
            assert!(!output.stdout.contains("canary-key"), "{url}\n{output}");
            assert!(!output.stderr.contains("valetkey:"), "{url}\n{output}");
        }
        assert!(asked.try_recv().is_err(), "the agent heard of none of them");
    });
}

#[test]
fn reject_tells_the_agent_and_approve_does_not() {
    with_each_git(|sandbox| {
        let asked = sandbox.agent(|_| Some(Answer::Done));
        let given = format!("{AZURE}username=valetkey\npassword=canary-key\n");
        for operation in ["approve", "reject"] {
            let output = sandbox.credential(operation, &given);
            assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (Some(0), "", ""));
        }
        let Request::Erase(erase) = asked.recv().unwrap() else { panic!("approve was passed on") };
        assert_eq!(erase.secret.expose_secret(), "canary-key");
        assert!(asked.try_recv().is_err());
    });
}
