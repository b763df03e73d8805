use valetkey_protocol::{ExposeSecret as _, GetRequest};

use super::*;

fn asked(input: &str) -> (GetRequest, Reach) {
    let mut output = get(input, policy);
    assert_eq!(output.asked.len(), 1, "{output}");
    match output.asked.remove(0) {
        (Request::Get(question), reach) => (question, reach),
        other => panic!("{other:?}"),
    }
}

#[test]
fn get_passes_on_what_git_says() {
    let (question, reach) = asked(
        "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=Dev.Azure.COM\npath=contoso/DS-I Tools/_git/r\n\
         username=alice@contoso.com\nwwwauth[]=old\nwwwauth[]=\nwwwauth[]=Bearer authorization_uri=https://login.windows.net/t\n\
         wwwauth[]=Basic realm=\"https://tfsprod.visualstudio.com/\"\nlater-attribute=1\n\nprotocol=http\n",
    );
    assert_eq!(reach, Reach::Start);
    assert_eq!(question.target.host, "Dev.Azure.COM", "as git wrote it: the agent decides");
    assert_eq!(question.target.path.as_deref(), Some("contoso/DS-I Tools/_git/r"));
    assert_eq!(question.target.username.as_deref(), Some("alice@contoso.com"));
    assert_eq!(question.challenges.len(), 2);
    assert!(question.challenges[0].starts_with("Bearer "));
    assert!(question.can_retry);
    assert_eq!((question.refused, question.operation, question.caller), (None, None, None));
}

#[test]
fn the_forms_of_a_users_name_pass() {
    for (username, passed) in
        [("contoso", Some("contoso")), ("alice@contoso.com", Some("alice@contoso.com")), ("", None)]
    {
        let (question, _) = asked(&format!("{AZURE}username={username}\n"));
        assert_eq!(question.target.username.as_deref(), passed);
    }
    assert_eq!(asked("protocol=https\nhost=contoso.visualstudio.com\n").0.target.path, None);
}

#[test]
fn a_host_that_is_not_built_in_never_starts_an_agent() {
    for host in [
        "github.com",
        "localhost:8443",
        "dev.azure.com.evil",
        "dev.azure.com:8443",
        "[::1]:443",
        "ssh.dev.azure.com",
    ] {
        let (_, reach) = asked(&format!("protocol=https\nhost={host}\n"));
        assert_eq!(reach, Reach::IfRunning, "{host}");
    }
    for host in ["dev.azure.com:443", "CONTOSO.visualstudio.com", "pkgs.dev.azure.com"] {
        let (_, reach) = asked(&format!("protocol=https\nhost={host}\n"));
        assert_eq!(reach, Reach::Start, "{host}");
    }
}

#[test]
fn only_our_own_state_says_that_a_key_was_refused() {
    let with = |state: &str| asked(&format!("capability[]=state\n{AZURE}{state}")).0.refused;
    assert_eq!(with("state[]=other:1\nstate[]=valetkey:k1\n").as_deref(), Some("k1"));
    assert_eq!(with("state[]=other:1\n"), None);
    assert_eq!(with("state[]=valetkey:k1\nstate[]=\n"), None);
    assert_eq!(with("state[]=valetkeyish:k1\n"), None);
}

#[test]
fn store_and_unknown_operations_are_silent_and_ask_nobody() {
    for operation in ["store", "", "list", "get-more", "--help"] {
        let output = call(operation, format!("{AZURE}password=canary-key\n"), true, |_| panic!("asked"));
        assert_eq!(
            (output.status, output.stdout.as_str(), output.stderr.as_str()),
            (0, "", ""),
            "{operation}"
        );
    }
}

#[test]
fn capability_is_what_git_2_46_expects() {
    insta::assert_snapshot!(call("capability", "", false, policy), @r"
    exit: 0
    --- stdout
    version 0
    capability state
    --- stderr
    ");
}

#[test]
fn a_person_without_an_operation_is_told_how() {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let agent = Scripted { answer: policy, asked: Vec::new() };
    let mut world = World { agent, processes: NoProcesses, trace: false };
    assert_eq!(run([], io::empty(), &mut stdout, &mut stderr, &mut world), 2);
    assert_eq!(stdout, b"");
    assert_eq!(stderr, b"usage: git-credential-valetkey get|store|erase|capability\n");
}

#[test]
fn erase_passes_the_key_on_to_a_running_agent() {
    let output = call("erase", format!("{AZURE}username=valetkey\npassword=canary-key\n"), false, policy);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    let [(Request::Erase(erase), Reach::IfRunning)] = &output.asked[..] else { panic!("{:?}", output.asked) };
    assert_eq!(erase.secret.expose_secret(), "canary-key");
    assert_eq!(erase.target.host, "dev.azure.com");
}

#[test]
fn erase_is_silent_whatever_happens() {
    let erase = format!("{AZURE}password=canary-key\n");
    for error in [ClientError::NoAgent, ClientError::Garbled] {
        let mut error = Some(error);
        let output = call("erase", &erase, false, |_| Err(error.take().unwrap()));
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
        assert_eq!(output.asked.len(), 1);
    }
    for input in
        [AZURE, "protocol=http\nhost=dev.azure.com\npassword=x\n", "protocol=https\npassword=x\n", ""]
    {
        let output = call("erase", input, false, |_| panic!("asked"));
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (0, "", ""));
    }
}

#[test]
fn the_trace_shows_the_conversation_without_secrets() {
    let input = format!(
        "{AZURE}wwwauth[]=Basic realm=\"x\"\npassword=canary-old\noauth_refresh_token=canary-refresh\n"
    );
    let output = call("get", input, true, policy);
    insta::assert_snapshot!(output.stderr, @r#"
    valetkey: trace: < protocol=https
    valetkey: trace: < host=dev.azure.com
    valetkey: trace: < path=contoso/p/_git/r
    valetkey: trace: < wwwauth[]=Basic realm="x"
    valetkey: trace: < password=***
    valetkey: trace: < oauth_refresh_token=***
    valetkey: trace: asks the agent: Get(GetRequest { target: https://dev.azure.com/contoso/p/_git/r, operation: None, refused: None, can_retry: false, challenges: ["Basic realm=\"x\""], caller: None })
    valetkey: trace: the agent gave key k1 for vso.code in contoso, until 1800000000, just minted
    valetkey: trace: > username=valetkey
    valetkey: trace: > password=***
    valetkey: trace: > password_expiry_utc=1800000000
    "#);
    let erase = call("erase", format!("{AZURE}password=canary-key\nhost=\u{1b}[2J\n"), true, policy);
    assert!(!erase.stderr.contains("canary") && !erase.stderr.contains('\u{1b}'), "{}", erase.stderr);
    assert!(erase.stderr.contains("not passed on: a control character in `host`"), "{}", erase.stderr);
}
