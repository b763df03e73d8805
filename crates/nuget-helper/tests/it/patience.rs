//! The built program and an agent that begins to answer at once, and goes on in its own time: NuGet must hear of it.

#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use valetkey_protocol::{Answer, Event, Hello, Welcome, encode, read_frame, write_frame};

use crate::running::{Home, KEY, LIMIT, QUESTION, asked, give, key, met};

/// The program at the home of an agent.
struct Plugin {
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Plugin {
    fn at(home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nuget-plugin-valetkey"));
        command.arg("-Plugin").env("XDG_RUNTIME_DIR", home).env("HOME", home);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, said) = mpsc::channel();
        thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| sender.send(line.unwrap())));
        Self { child, input, said }
    }

    /// The next line about that question or that kind of message.
    fn hear(&self, of: &str) -> String {
        loop {
            let line = self.said.recv_timeout(LIMIT).expect("the plugin says something");
            if line.contains(of) {
                return line;
            }
        }
    }

    fn end(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

/// Somebody who waits for a word.
type Word = Receiver<()>;

fn word() -> (Sender<()>, Word) {
    mpsc::channel()
}

/// An agent that begins, and goes on once NuGet was told that it takes longer.
fn takes_longer(name: &str, begin: impl FnOnce(&UnixListener, &Word) + Send + 'static) {
    let home = Home::new(name);
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let (go_on, word) = word();
    let agent = thread::spawn(move || begin(&listener, &word));
    let mut plugin = Plugin::at(&home.0);
    writeln!(plugin.input, "{QUESTION}").unwrap();
    let line = plugin.hear(r#""RequestId":"1""#);
    assert!(line.contains(r#""Type":"Progress""#), "{line}");
    go_on.send(()).unwrap();
    plugin.hear(KEY);
    plugin.end();
    agent.join().unwrap();
}

fn half_and_half(mut stream: &UnixStream, frame: &[u8], word: &Word) {
    let (first, second) = frame.split_at(frame.len() / 2);
    stream.write_all(first).unwrap();
    word.recv_timeout(LIMIT).expect("NuGet is told");
    stream.write_all(second).unwrap();
}

#[test]
fn nuget_is_told_where_the_agent_says_first_that_it_takes_longer() {
    takes_longer("event", |listener, word| {
        let stream = met(listener);
        asked(&stream);
        let event = Event::Progress { sentence: "one moment".to_owned() };
        write_frame(&stream, &Answer::Event(event)).unwrap();
        word.recv_timeout(LIMIT).expect("NuGet is told");
        give(&stream);
    });
}

#[test]
fn nuget_is_told_where_an_answer_stops_half_way() {
    takes_longer("half", |listener, word| {
        let stream = met(listener);
        asked(&stream);
        half_and_half(&stream, &encode(&Answer::Credential(key())).unwrap(), word);
    });
}

#[test]
fn the_reading_thread_waits_for_no_welcome() {
    let home = Home::new("welcome");
    let listener = UnixListener::bind(home.0.join("valetkey/agent.sock")).unwrap();
    let (go_on, word) = word();
    let agent = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let hello: Hello = read_frame(&stream).unwrap();
        half_and_half(&stream, &encode(&Welcome::to(&hello, "instance")).unwrap(), &word);
        asked(&stream);
        give(&stream);
    });
    let mut plugin = Plugin::at(&home.0);
    let claims = r#"{"RequestId":"2","Type":"Request","Method":"GetOperationClaims","Payload":{}}"#;
    writeln!(plugin.input, "{QUESTION}\n{claims}").unwrap();
    plugin.hear(r#""RequestId":"2""#);
    go_on.send(()).unwrap();
    plugin.hear(KEY);
    plugin.end();
    agent.join().unwrap();
}

/// A listener whose queue is full: one connection waits in it, and no other fits.
#[cfg(target_os = "linux")]
fn full_queue(socket: &Path) -> (UnixListener, UnixStream) {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket as new_socket};

    let listener = new_socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    (listener.into(), UnixStream::connect(socket).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn the_reading_thread_stands_in_no_queue() {
    let home = Home::new("queue");
    let (listener, waiting) = full_queue(&home.0.join("valetkey/agent.sock"));
    let mut plugin = Plugin::at(&home.0);
    let claims = r#"{"RequestId":"2","Type":"Request","Method":"GetOperationClaims","Payload":{}}"#;
    writeln!(plugin.input, "{QUESTION}\n{claims}").unwrap();
    plugin.hear(r#""RequestId":"2""#);
    drop((listener.accept().unwrap(), waiting));
    // Nobody stood in it before whoever is to wait.
    let stream = met(&listener);
    asked(&stream);
    give(&stream);
    plugin.hear(KEY);
    plugin.end();
}
