use std::io::Read as _;

use valetkey_protocol::{Refusal, VERSIONS, Versions, write_frame};

use super::*;
use crate::fake::{Folder, folder, say, serve, welcome};

fn open(folder: &Folder) -> Result<Connection, ClientError> {
    Connection::open(&folder.paths, ClientKind::Git, Start::Never)
}

fn ask(folder: &Folder) -> Result<Answer, ClientError> {
    open(folder)?.ask(&Request::Ping)
}

fn read(stream: &mut Stream) -> Request {
    read_frame(stream).unwrap()
}

/// An error is one line of what and one of what to do.
fn lines(error: &ClientError) -> String {
    let text = format!("{}; {}", error.sentence(), error.hint());
    assert!(valetkey_protocol::is_clean(&text), "{text:?}");
    text
}

#[test]
fn a_question_is_answered_and_so_is_the_next() {
    let folder = folder();
    let agent = serve(&folder.paths, 1, |mut stream| {
        welcome(&mut stream);
        for _ in 0..2 {
            assert!(matches!(read(&mut stream), Request::Ping));
            write_frame(&mut stream, &Answer::Done).unwrap();
        }
    });
    let mut connection = open(&folder).unwrap();
    assert_eq!(
        (connection.agent().version, connection.agent().instance.as_str()),
        (VERSIONS.max, "instance-1")
    );
    for _ in 0..2 {
        assert!(matches!(connection.ask(&Request::Ping), Ok(Answer::Done)));
    }
    agent.join().unwrap();
}

#[test]
fn a_question_sent_with_the_greeting_is_answered() {
    let folder = folder();
    let once = || {
        Connection::ask_once(&folder.paths, ClientKind::Git, Start::Never, &Request::Ping, ANSWER_DEADLINE)
    };
    assert!(matches!(once(), Err(ClientError::NoAgent)));
    let agent = serve(&folder.paths, 1, |mut stream| {
        welcome(&mut stream);
        assert!(matches!(read(&mut stream), Request::Ping));
        write_frame(&mut stream, &Answer::Done).unwrap();
    });
    assert!(matches!(once(), Ok(Answer::Done)));
    agent.join().unwrap();
}

#[test]
fn a_refused_greeting_is_heard_although_the_question_was_sent() {
    let folder = folder();
    let refusal = Refusal::new(Reason::VersionMismatch, "too old", "run `valetkey agent restart`");
    let agent = serve(&folder.paths, 1, move |mut stream| {
        let _: Hello = read_frame(&mut stream).unwrap();
        write_frame(&mut stream, &Welcome::Refused(refusal.clone())).unwrap();
    });
    let asked =
        Connection::ask_once(&folder.paths, ClientKind::Git, Start::Never, &Request::Ping, ANSWER_DEADLINE);
    assert!(matches!(asked, Err(ClientError::Version(_))), "{asked:?}");
    agent.join().unwrap();
}

#[test]
fn events_come_before_the_answer_even_in_one_packet() {
    let folder = folder();
    serve(&folder.paths, 1, |mut stream| {
        welcome(&mut stream);
        read(&mut stream);
        let mut wire = Vec::new();
        for sentence in ["one", "two"] {
            wire.extend(encode(&Answer::Event(Event::Progress { sentence: sentence.into() })).unwrap());
        }
        wire.extend(encode(&Answer::Done).unwrap());
        say(&mut stream, &wire);
    });
    let mut events = Vec::new();
    let answer = open(&folder).unwrap().ask_stream(&Request::Ping, |event| events.push(event));
    assert!(matches!(answer, Ok(Answer::Done)));
    assert_eq!(events, ["one", "two"].map(|sentence| Event::Progress { sentence: sentence.into() }));
}

#[test]
fn nobody_listens() {
    let folder = folder();
    assert_eq!(lines(&open(&folder).unwrap_err()), "the agent is not running; run `valetkey agent start`");

    drop(std::os::unix::net::UnixListener::bind(&folder.paths.socket).unwrap());
    assert!(folder.paths.socket.exists(), "a socket that an agent left behind");
    assert!(matches!(open(&folder), Err(ClientError::NoAgent)));
}

#[test]
fn another_users_server_gets_no_byte() {
    let folder = folder();
    let server = serve(&folder.paths, 1, |mut stream| {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"", "sent to a stranger");
    });
    let owner = trust::current_user().map(|user| user + 1);
    let error = Connection::open_served_by(owner, &folder.paths, ClientKind::Git, Start::Never).unwrap_err();
    assert!(matches!(error, ClientError::WrongOwner { .. }), "{error:?}");
    assert!(lines(&error).contains("is served by another user"));
    server.join().unwrap();
}

#[test]
fn an_agent_of_any_version_is_stopped() {
    let folder = folder();
    let agent = serve(&folder.paths, 1, |mut stream| {
        let hello: Hello = read_frame(&mut stream).unwrap();
        let version = Versions { min: 7, max: 9 }.common(hello.versions).unwrap();
        let instance = "instance-1".to_owned();
        write_frame(&mut stream, &Welcome::Ready { version, build: "9.9".to_owned(), instance }).unwrap();
        assert!(matches!(read(&mut stream), Request::Stop));
        write_frame(&mut stream, &Answer::Done).unwrap();
    });
    assert!(matches!(Connection::stop(&folder.paths, ClientKind::Cli), Ok(Answer::Done)));
    agent.join().unwrap();
    let nobody = crate::fake::folder();
    let error = Connection::stop(&nobody.paths, ClientKind::Cli).unwrap_err();
    assert!(matches!(error, ClientError::NoAgent), "{error:?}");
}

#[test]
fn an_agent_of_another_version_is_named() {
    let folder = folder();
    serve(&folder.paths, 1, |mut stream| {
        let _: Hello = read_frame(&mut stream).unwrap();
        let refusal = Refusal::new(
            Reason::VersionMismatch,
            "the running agent speaks 7-9",
            "run `valetkey agent restart`",
        );
        write_frame(&mut stream, &Welcome::Refused(refusal.clone())).unwrap();
    });
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, ClientError::Version(_)));
    assert_eq!(lines(&error), "the running agent speaks 7-9; run `valetkey agent restart`");
}

#[test]
fn a_busy_agent_is_a_refusal() {
    let folder = folder();
    serve(&folder.paths, 1, |mut stream| {
        let busy = Refusal::new(Reason::Busy, "too many programs ask at once", "try again");
        write_frame(&mut stream, &Welcome::Refused(busy)).unwrap();
        let _: Hello = read_frame(&mut stream).unwrap();
    });
    assert_eq!(lines(&open(&folder).unwrap_err()), "too many programs ask at once; try again");
}

#[test]
fn what_no_agent_sends_is_garbled() {
    let frames: [&[u8]; 4] =
        [b"\xff\xff\xff\xff{", b"\0\x01\0\x01", b"\0\0\0\x02{]", b"HTTP/1.1 400 Bad Request\r\n"];
    for frame in frames {
        let folder = folder();
        serve(&folder.paths, 1, move |mut stream| {
            welcome(&mut stream);
            read(&mut stream);
            say(&mut stream, frame);
        });
        let error = ask(&folder).unwrap_err();
        assert!(matches!(error, ClientError::Garbled), "{frame:?}: {error:?}");
        assert_eq!(lines(&error), "the agent's answer is not understood; run `valetkey agent restart`");
    }
}

#[test]
fn an_agent_that_dies_is_one_line_wherever_it_dies() {
    let deaths: [(&[u8], Phase); 3] =
        [(b"", Phase::Greet), (b"\0\0", Phase::Answer), (b"\0\0\0\x20{\"type\":\"cred", Phase::Answer)];
    for (last_words, phase) in deaths {
        let folder = folder();
        serve(&folder.paths, 1, move |mut stream| {
            if phase == Phase::Answer {
                welcome(&mut stream);
                read(&mut stream);
                say(&mut stream, last_words);
            }
        });
        let error = ask(&folder).unwrap_err();
        assert!(matches!(error, ClientError::Broken(at) if at == phase), "{error:?}");
        assert!(lines(&error).starts_with("the agent went away before it could "));
    }
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for() {
    let folder = folder();
    let (release, held) = mpsc::channel::<()>();
    serve(&folder.paths, 1, move |mut stream| {
        welcome(&mut stream);
        let _ = held.recv();
    });
    let mut connection = open(&folder).unwrap();
    let error = connection.ask_within(&Request::Ping, Duration::from_millis(20)).unwrap_err();
    assert_eq!(lines(&error), "the agent did not answer in time; run `valetkey agent restart`");
    // Its late answer would be taken for the next one.
    assert!(matches!(connection.ask(&Request::Ping), Err(ClientError::Broken(_))));
    drop(release);
}

#[test]
fn an_agent_that_never_greets_is_not_waited_for() {
    let folder = folder();
    let (release, held) = mpsc::channel::<()>();
    serve(&folder.paths, 1, move |_stream| {
        let _ = held.recv();
    });
    assert!(matches!(open(&folder), Err(ClientError::TimedOut(Phase::Greet))));
    drop(release);
}

#[test]
fn an_agent_that_drips_is_not_waited_for() {
    let folder = folder();
    serve(&folder.paths, 1, |mut stream| {
        welcome(&mut stream);
        read(&mut stream);
        for byte in [0, 0, 0, 200].into_iter().chain([b' '; 190]) {
            if io::Write::write_all(&mut stream, &[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // More bytes than the deadline leaves time for, so that only an overall deadline ends it.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut connection = open(&folder).unwrap();
    let error = connection.ask_within(&Request::Ping, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, ClientError::TimedOut(Phase::Answer)), "{error:?}");
}

/// A listener whose queue is full: one connection waits in it, and no other fits.
fn full_queue(socket: &Path) -> (rustix::fd::OwnedFd, std::os::unix::net::UnixStream) {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket as new_socket};

    let listener = new_socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    let waiting = std::os::unix::net::UnixStream::connect(socket).unwrap();
    (listener, waiting)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_queue_is_neither_a_stranger_nor_a_broken_agent() {
    let folder = folder();
    let _held = full_queue(&folder.paths.socket);
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, ClientError::TimedOut(Phase::Connect)), "{error:?}");
    let impatient = Greeting::prepare_at_once(&folder.paths, ClientKind::Git);
    assert!(matches!(impatient, Err(ClientError::TimedOut(Phase::Connect))), "{impatient:?}");
}

#[test]
fn a_patient_connection_is_a_connection() {
    let folder = folder();
    serve(&folder.paths, 1, drop);
    assert!(is_connected(&connect_patiently(&folder.paths.socket).unwrap()));
}

#[test]
fn a_question_that_fits_no_frame_is_not_sent_and_harms_nothing() {
    let folder = folder();
    serve(&folder.paths, 1, |mut stream| {
        welcome(&mut stream);
        assert!(matches!(read(&mut stream), Request::Ping));
        write_frame(&mut stream, &Answer::Done).unwrap();
    });
    let mut connection = open(&folder).unwrap();
    let passphrase = Some("x".repeat(valetkey_protocol::MAX_FRAME).into());
    assert!(matches!(connection.ask(&Request::Unlock { passphrase }), Err(ClientError::TooLarge)));
    assert!(matches!(connection.ask(&Request::Ping), Ok(Answer::Done)));
}
