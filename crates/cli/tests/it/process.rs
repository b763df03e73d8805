//! The built program against a server that speaks the protocol: what the other tests replace.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::Path,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};

use tempfile::TempDir;
use valetkey_protocol::{
    Answer, Credential, Event, Hello, Request, StatusReport, Welcome, read_frame, write_frame,
};

use crate::harness::{copy_program, nupkg, write_program};

fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("valetkey")).unwrap();
    fs::set_permissions(home.path().join("valetkey"), fs::Permissions::from_mode(0o700)).unwrap();
    home
}

fn valetkey(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey"));
    command.args(args).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Serves one conversation after another, each with these answers to one question, and gives the questions.
fn serve(home: &Path, conversations: Vec<Vec<Answer>>) -> JoinHandle<Vec<Request>> {
    let listener = UnixListener::bind(home.join("valetkey/agent.sock")).unwrap();
    thread::spawn(move || {
        let converse = |answers: Vec<Answer>| {
            let (stream, _) = listener.accept().unwrap();
            let hello: Hello = read_frame(&stream).unwrap();
            write_frame(&stream, &Welcome::to(&hello, "one")).unwrap();
            let request = read_frame(&stream).unwrap();
            for answer in answers {
                write_frame(&stream, &answer).unwrap();
            }
            request
        };
        conversations.into_iter().map(converse).collect()
    })
}

#[test]
fn a_running_agent_is_asked_through_its_socket() {
    let home = home();
    let report = StatusReport { version: "9.9.9".to_owned(), pid: 1, ..StatusReport::default() };
    let server = serve(home.path(), vec![vec![Answer::Status(Box::new(report))]]);
    let (code, out, err) = text(&valetkey(home.path(), &["status"]).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(1), ""), "nobody is signed in");
    assert!(out.starts_with("agent     running for 0 s, version 9.9.9, pid 1\n"), "{out}");
    assert!(matches!(server.join().unwrap()[..], [Request::Status]));
}

#[test]
fn the_steps_of_a_sign_in_are_shown_as_they_come() {
    let home = home();
    let code = Event::DeviceCode {
        user_code: "F6KP4DXQ".to_owned(),
        verification_uri: "https://microsoft.com/devicelogin".to_owned(),
        expires_in: 900,
    };
    let signed_in = Answer::SignedIn {
        account: "alice@contoso.com".to_owned(),
        tenant: "contoso".to_owned(),
        organisations: vec!["contoso".to_owned()],
        silent: false,
    };
    let server = serve(home.path(), vec![vec![Answer::Event(code), signed_in]]);
    let (code, out, err) =
        text(&valetkey(home.path(), &["login", "contoso", "--device-code"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, "signed in as alice@contoso.com (tenant contoso)\nkeys can be made for contoso\n");
    assert!(err.contains("\n    F6KP4DXQ\n"), "no colour where there is no terminal: {err:?}");
    assert!(matches!(server.join().unwrap()[..], [Request::Login(_)]));
}

#[test]
fn stop_waits_until_nobody_answers() {
    let home = home();
    let server = serve(home.path(), vec![vec![Answer::Done]]);
    let output = valetkey(home.path(), &["agent", "stop"]).output().unwrap();
    assert_eq!(text(&output), (Some(0), "the agent has stopped\n".to_owned(), String::new()));
    assert!(matches!(server.join().unwrap()[..], [Request::Stop]));
}

#[test]
fn an_agent_that_is_not_beside_it_is_named() {
    let home = home();
    let alone = home.path().join("valetkey-alone");
    copy_program(Path::new(env!("CARGO_BIN_EXE_valetkey")), &alone);
    let mut command = Command::new(&alone);
    command.args(["agent", "start"]).env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    let (code, out, err) = text(&command.output().unwrap());
    assert_eq!((code, out.as_str()), (Some(3), ""));
    let program = home.path().join("valetkey-agent");
    assert!(err.starts_with(&format!("error: `{}` cannot be started: ", program.display())), "{err}");
}

#[test]
fn a_closed_pipe_is_success() {
    let home = home();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = valetkey(home.path(), &["setup", "entra"]).stdout(writer).output().unwrap();
    assert_eq!(text(&output), (Some(0), String::new(), String::new()));
}

#[test]
fn a_token_is_not_printed_into_the_void() {
    let home = home();
    let line = "exec \"$0\" pat create ci --scope vso.build --print";
    for void in [">&-", ">/dev/null"] {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{line} {void}"), env!("CARGO_BIN_EXE_valetkey")]);
        command.env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path()).stdin(Stdio::null());
        let (code, _, err) = text(&command.output().unwrap());
        assert_eq!(code, Some(1), "{void}: {err}");
        assert!(err.starts_with("error: standard output is closed or thrown away"), "{void}: {err}");
    }
    assert!(!home.path().join("valetkey/agent.sock").exists(), "no agent was asked");
}

#[test]
fn a_command_runs_in_its_place_with_its_own_exit_code() {
    let home = home();
    for (script, code) in [("exit 0", Some(0)), ("exit 42", Some(42)), ("kill -TERM $$", None)] {
        let output = valetkey(home.path(), &["exec", "--", "/bin/sh", "-c", script])
            .current_dir(home.path())
            .output()
            .unwrap();
        assert_eq!(text(&output), (code, String::new(), String::new()), "{script}");
    }
    let output = valetkey(home.path(), &["exec", "--", "/nonexistent"]).current_dir(home.path()).output();
    let (code, out, err) = text(&output.unwrap());
    assert_eq!((code, out.as_str()), (Some(127), ""));
    assert!(err.starts_with("error: `/nonexistent` cannot be run: "), "{err}");
}

#[test]
fn a_key_is_in_the_commands_environment_and_nowhere_else() {
    let home = home();
    let feed = "https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json";
    let config = format!(
        "<configuration><packageSources><add key='my feed' value='{feed}'/></packageSources></configuration>"
    );
    fs::write(home.path().join("nuget.config"), config).unwrap();
    let credential = Credential {
        username: "alice".to_owned(),
        password: "canary".into(),
        expires_at: 1,
        key: "k1".to_owned(),
        scope: "vso.packaging".to_owned(),
        organisation: "contoso".to_owned(),
        state: "s".to_owned(),
        may_retry: false,
        fresh: true,
        notice: None,
    };
    let server = serve(home.path(), vec![vec![Answer::Credential(credential)]]);
    // No shell: dash drops a variable whose name it cannot say.
    let output =
        valetkey(home.path(), &["exec", "--", "/bin/cat", "/proc/self/environ", "/proc/self/cmdline"])
            .current_dir(home.path())
            .output()
            .unwrap();
    let (code, out, err) = text(&output);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let line = "\0NuGetPackageSourceCredentials_my feed=Username=valetkey;Password=canary;\
                ValidAuthenticationTypes=Basic\0";
    assert!(out.contains(line), "{out}");
    assert_eq!(out.matches("canary").count(), 1, "{out}");
    let Request::Get(get) = &server.join().unwrap()[0] else { panic!("another question") };
    assert_eq!(get.target.path.as_deref(), Some("contoso/_packaging/f/nuget/v3/index.json"));
}

#[test]
fn a_key_of_nuget_org_is_read_from_standard_input() {
    use std::io::Write as _;

    let home = home();
    let server = serve(home.path(), vec![vec![Answer::NugetKeys { keys: Vec::new() }]]);
    let line = ["nuget", "keys", "add", "ci", "--owner", "contoso", "--glob", "*", "--allow", "push"];
    let mut command = valetkey(home.path(), &line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"oy2canary\nmore\n").unwrap();
    assert_eq!(text(&child.wait_with_output().unwrap()), (Some(0), String::new(), String::new()));
    let asked = serde_json::to_value(&server.join().unwrap()[0]).unwrap();
    assert_eq!(asked["secret"].as_str().map(str::trim), Some("oy2canary"));

    let (code, out, err) = text(&valetkey(home.path(), &line).output().unwrap());
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("error: the key cannot be asked for: standard input holds none\n"), "{err}");
}

#[test]
fn a_job_without_an_identity_is_told_what_to_change() {
    let home = home();
    fs::write(home.path().join("a.nupkg"), nupkg("A", "1.0.0")).unwrap();
    let dotnet = home.path().join("dotnet");
    write_program(&dotnet, "#!/bin/sh\necho 10.0.401\n");
    let push = |variables: &[(&str, &str)]| {
        let mut command =
            valetkey(home.path(), &["nuget", "push", "--trusted-publisher", "alice", "a.nupkg"]);
        command.arg("--dotnet").arg(&dotnet).current_dir(home.path()).envs(variables.iter().copied());
        text(&command.output().unwrap())
    };
    let (code, out, err) = push(&[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("error: this is no job of GitHub Actions or GitLab"), "{err}");
    let (_, _, err) = push(&[("GITHUB_ACTIONS", "true")]);
    assert!(err.contains("hint: add `id-token: write` to the job's `permissions`"), "{err}");
    let (_, _, err) = push(&[("GITLAB_CI", "true")]);
    assert!(err.contains("error: the variable `NUGET_ID_TOKEN` has no token"), "{err}");
}
