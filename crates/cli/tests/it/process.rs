//! The built program against a server that speaks the protocol: what the other tests replace.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::Path,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};

use tempfile::TempDir;
use valetkey_protocol::{Answer, Event, Hello, Request, StatusReport, Welcome, read_frame, write_frame};

use crate::harness::copy_program;

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
