//! The built program and an agent that runs.

#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use valetkey_protocol::{
    Answer, Credential, Hello, Reason, Refusal, Request, Welcome, read_frame, write_frame,
};

/// A folder that goes away with the test.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
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

pub(crate) const QUESTION: &str = r#"{"RequestId":"1","Type":"Request","Method":"GetAuthenticationCredentials","Payload":{"Uri":"https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json","IsRetry":false,"IsNonInteractive":true,"CanShowDialog":false}}"#;
const HANDSHAKE: &str = r#"{"RequestId":"0","Type":"Request","Method":"Handshake","Payload":{"ProtocolVersion":"2.0.0","MinimumProtocolVersion":"2.0.0"}}"#;

/// A test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

fn plugin(home: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_nuget-plugin-valetkey"))
        .arg("-Plugin")
        .env("XDG_RUNTIME_DIR", home)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the plugin answers to one question, and how many threads it has then.
fn answer(mut plugin: Child) -> (String, Option<usize>) {
    let mut input = plugin.stdin.take().unwrap();
    writeln!(input, "{HANDSHAKE}\n{QUESTION}").unwrap();
    let mut lines = BufReader::new(plugin.stdout.take().unwrap()).lines().map(Result::unwrap);
    let answer = lines.find(|line| line.contains(r#""RequestId":"1""#)).expect("an answer");
    let threads = threads(plugin.id());
    drop(input);
    assert!(plugin.wait().unwrap().success());
    (answer, threads)
}

/// How many threads a process has; proc(5). Where that is not to be seen, nothing is held.
fn threads(id: u32) -> Option<usize> {
    std::fs::read_dir(format!("/proc/{id}/task")).ok().map(Iterator::count)
}

/// What the plugin answers where `agent` listens, and by how many threads. The agent knows the plugin's process.
fn answer_of(name: &str, agent: impl FnOnce(&UnixListener, u32) + Send + 'static) -> (String, Option<usize>) {
    let home = Home::new(name);
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let plugin = plugin(&home.0);
    let id = plugin.id();
    let agent = thread::spawn(move || agent(&listener, id));
    let answer = answer(plugin);
    agent.join().unwrap();
    answer
}

/// The same where `agent` answers at once, by so many threads. A busy machine may let it wait for its turn, and then
/// nothing came at once, which is another case: so this is tried until it did.
fn at_once(name: &str, threads: usize, agent: fn(&UnixListener)) -> String {
    let began = Instant::now();
    loop {
        let (answer, seen) = answer_of(name, move |listener, _| agent(listener));
        if seen.is_none_or(|seen| seen == threads) {
            return answer;
        }
        assert!(answer.contains(KEY));
        assert!(began.elapsed() < LIMIT, "{seen:?} threads");
    }
}

/// Until the plugin has the threads that it waits with: one asks, one keeps time.
fn until_it_waits(plugin: u32) {
    let began = Instant::now();
    while threads(plugin).is_some_and(|threads| threads < 3) && began.elapsed() < LIMIT {
        thread::sleep(Duration::from_millis(5));
    }
    if threads(plugin).is_none() {
        // It cannot be seen. What comes at once comes within 20 ms.
        thread::sleep(Duration::from_millis(100));
    }
}

/// A connection that was greeted.
pub(crate) fn met(listener: &UnixListener) -> UnixStream {
    let (stream, _) = listener.accept().unwrap();
    let hello: Hello = read_frame(&stream).unwrap();
    write_frame(&stream, &Welcome::to(&hello, "instance")).unwrap();
    stream
}

pub(crate) fn asked(stream: &UnixStream) {
    let request: Request = read_frame(stream).unwrap();
    assert!(matches!(request, Request::Get(_)));
}

pub(crate) fn give(stream: &UnixStream) {
    write_frame(stream, &Answer::Credential(key())).unwrap();
}

pub(crate) fn key() -> Credential {
    Credential {
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
    }
}

fn was_all(stream: &UnixStream, listener: &UnixListener) {
    assert!(read_frame::<Request>(stream).is_err(), "a second question");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "a second connection");
}

pub(crate) const KEY: &str = r#""Password":"the-key""#;

#[test]
fn an_answer_that_comes_at_once_is_asked_for_once_and_needs_no_other_thread() {
    let answer = at_once("at-once", 1, |listener| {
        let stream = met(listener);
        asked(&stream);
        give(&stream);
        was_all(&stream, listener);
    });
    assert!(answer.contains(KEY));
}

#[test]
fn who_has_something_to_tell_keeps_time_first() {
    // A terminal that was stopped (Ctrl-S) takes nothing.
    let answer = at_once("notice", 2, |listener| {
        let stream = met(listener);
        asked(&stream);
        let notice = Some(Refusal::new(Reason::NeedsLogin, "the session ends soon", "run `valetkey login`"));
        write_frame(&stream, &Answer::Credential(Credential { notice, ..key() })).unwrap();
        was_all(&stream, listener);
    });
    assert!(answer.contains(KEY));
}

#[test]
fn an_answer_that_takes_its_time_is_waited_for_and_asked_for_once() {
    let (answer, threads) = answer_of("slow", |listener, plugin| {
        let stream = met(listener);
        asked(&stream);
        until_it_waits(plugin);
        give(&stream);
        was_all(&stream, listener);
    });
    assert!(answer.contains(KEY));
    assert!(threads.is_none_or(|threads| threads == 3), "{threads:?}");
}

#[test]
fn a_refusal_that_comes_at_once_is_the_answer_and_nothing_is_asked_again() {
    let (answer, _) = answer_of("refused", |listener, _| {
        let stream = met(listener);
        asked(&stream);
        let refusal = Refusal::new(Reason::KeyForbidden, "keys are forbidden", "ask an administrator");
        write_frame(&stream, &Answer::Refused(refusal)).unwrap();
        was_all(&stream, listener);
    });
    assert!(answer.contains(r#""ResponseCode":"NotFound""#));
}

#[test]
fn an_agent_that_ends_with_the_question_is_asked_anew() {
    let (answer, _) = answer_of("ended", |listener, _| {
        asked(&met(listener));
        let second = met(listener);
        asked(&second);
        give(&second);
    });
    assert!(answer.contains(KEY));
}

#[test]
fn an_agent_that_let_go_meanwhile_is_asked_anew() {
    let (answer, _) = answer_of("let-go", |listener, _| {
        drop(met(listener));
        let second = met(listener);
        asked(&second);
        give(&second);
    });
    assert!(answer.contains(KEY));
}
