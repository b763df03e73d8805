//! The built program and an agent that it greets before there is a question.

#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use valetkey_protocol::{
    Answer, Credential, Hello, Reason, Refusal, Request, Welcome, read_frame, write_frame,
};

/// A folder that goes away with the test.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("vk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(home.join("valetkey")).unwrap();
        for folder in [&home, &home.join("valetkey")] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self(home)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the plugin answers to one question at that home.
fn answer(home: &Path) -> String {
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_nuget-plugin-valetkey"))
        .arg("-Plugin")
        .env("XDG_RUNTIME_DIR", home)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = plugin.stdin.take().unwrap();
    let question = r#"{"RequestId":"1","Type":"Request","Method":"GetAuthenticationCredentials","Payload":{"Uri":"https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json","IsRetry":false,"IsNonInteractive":true,"CanShowDialog":false}}"#;
    writeln!(input, "{question}").unwrap();
    let mut lines = BufReader::new(plugin.stdout.take().unwrap()).lines().map(Result::unwrap);
    let answer = lines.find(|line| line.contains(r#""Type":"Response""#)).expect("an answer");
    drop(input);
    assert!(plugin.wait().unwrap().success());
    answer
}

fn greet(stream: &UnixStream) {
    let hello: Hello = read_frame(stream).unwrap();
    write_frame(stream, &Welcome::to(&hello, "instance")).unwrap();
}

fn asked(stream: &UnixStream) {
    let request: Request = read_frame(stream).unwrap();
    assert!(matches!(request, Request::Get(_)));
}

fn hand_out(stream: &UnixStream) {
    asked(stream);
    give(stream);
}

fn give(stream: &UnixStream) {
    let credential = Credential {
        username: "alice".to_owned(),
        password: "the-key".to_owned().into(),
        expires_at: 4_000_000_000,
        key: "k1".to_owned(),
        scope: "vso.packaging".to_owned(),
        organisation: "contoso".to_owned(),
        state: "s1".to_owned(),
        may_retry: false,
        fresh: false,
        notice: None,
    };
    write_frame(stream, &Answer::Credential(credential)).unwrap();
}

#[test]
fn the_first_question_goes_over_the_connection_that_was_greeted() {
    let home = Home::new("greeted");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let agent = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        greet(&stream);
        hand_out(&stream);
    });
    assert!(answer(&home.0).contains(r#""Password":"the-key""#));
    agent.join().unwrap();
}

#[test]
fn an_answer_that_takes_its_time_is_waited_for_and_asked_for_once() {
    let home = Home::new("slow");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let agent = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        greet(&stream);
        asked(&stream);
        // What comes at once comes within 20 ms: this is what is done otherwise, however long it takes.
        thread::sleep(Duration::from_millis(100));
        give(&stream);
        assert!(read_frame::<Request>(&stream).is_err(), "a second question");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "a second connection");
    });
    assert!(answer(&home.0).contains(r#""Password":"the-key""#));
    agent.join().unwrap();
}

#[test]
fn a_refusal_that_comes_at_once_is_the_answer_and_nothing_is_asked_again() {
    let home = Home::new("refused");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let agent = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        greet(&stream);
        asked(&stream);
        let refusal = Refusal::new(Reason::KeyForbidden, "keys are forbidden", "ask an administrator");
        write_frame(&stream, &Answer::Refused(refusal)).unwrap();
        assert!(read_frame::<Request>(&stream).is_err(), "a second question");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "a second connection");
    });
    assert!(answer(&home.0).contains(r#""ResponseCode":"NotFound""#));
    agent.join().unwrap();
}

#[test]
fn an_agent_that_ends_with_the_question_is_asked_anew() {
    let home = Home::new("ended");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let agent = thread::spawn(move || {
        let (first, _) = listener.accept().unwrap();
        greet(&first);
        asked(&first);
        drop(first);
        let (second, _) = listener.accept().unwrap();
        greet(&second);
        hand_out(&second);
    });
    assert!(answer(&home.0).contains(r#""Password":"the-key""#));
    agent.join().unwrap();
}

#[test]
fn an_agent_that_let_go_meanwhile_is_asked_anew() {
    let home = Home::new("let-go");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let agent = thread::spawn(move || {
        let (first, _) = listener.accept().unwrap();
        greet(&first);
        drop(first);
        let (second, _) = listener.accept().unwrap();
        greet(&second);
        hand_out(&second);
    });
    assert!(answer(&home.0).contains(r#""Password":"the-key""#));
    agent.join().unwrap();
}
