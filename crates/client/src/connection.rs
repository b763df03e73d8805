//! The connection.

use std::{
    io::{self, BufReader},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use interprocess::{
    ConnectWaitMode,
    local_socket::{ConnectOptions, GenericFilePath, Stream, prelude::*},
};
use valetkey_paths::{Paths, trust};
use valetkey_protocol::{
    Answer, ClientKind, Event, FrameError, Hello, Reason, Request, Welcome, encode, read_frame,
};

use crate::{ClientError, Greeting, Phase, Start, start, timed::Timed};

/// How long an ordinary question may take.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// How long a question with events may take: a device code lives 15 minutes.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(20 * 60);
/// How long connecting may take, and how long the greeting.
pub(crate) const GREETING_DEADLINE: Duration = Duration::from_secs(2);

/// What the agent said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The version of the protocol both speak.
    pub version: u16,
    /// Its build.
    pub build: String,
    /// Differs for each run of it.
    pub instance: String,
}

/// A conversation with the agent: one question at a time.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<Timed>,
    agent: Agent,
    usable: bool,
}

impl Connection {
    /// Connects to the agent of this user, after making sure that it is this user's.
    pub fn open(paths: &Paths, client: ClientKind, start: Start) -> Result<Self, ClientError> {
        Self::open_served_by(trust::current_user(), paths, client, start)
    }

    /// The same, for a server that must run as `owner`.
    pub(crate) fn open_served_by(
        owner: Option<u32>,
        paths: &Paths,
        client: ClientKind,
        start: Start,
    ) -> Result<Self, ClientError> {
        let hello = Hello::new(client);
        let attempt = || Self::attempt(owner, &paths.socket, &hello);
        match (attempt(), start) {
            (Err(ClientError::NoAgent | ClientError::Broken(Phase::Greet)), Start::OnDemand { agent }) => {
                start::start(paths, &agent, attempt)
            }
            (result, _) => result,
        }
    }

    /// Asks the running agent to stop, of whatever version it is; [`ClientError::NoAgent`] where none runs.
    pub fn stop(paths: &Paths, client: ClientKind) -> Result<Answer, ClientError> {
        let hello = Hello::to_stop(client);
        Self::attempt(trust::current_user(), &paths.socket, &hello)?.ask(&Request::Stop)
    }

    /// Asks one question and is done. Greeting and question are sent together, which spares a way there and back: for
    /// programs that live for one question.
    pub fn ask_once(
        paths: &Paths,
        client: ClientKind,
        start: Start,
        request: &Request,
        within: Duration,
    ) -> Result<Answer, ClientError> {
        match Self::ask_at_once(paths, client, request, within) {
            Err(ClientError::NoAgent | ClientError::Broken(Phase::Greet)) => {
                Self::open(paths, client, start)?.ask_within(request, within)
            }
            result => result,
        }
    }

    fn ask_at_once(
        paths: &Paths,
        client: ClientKind,
        request: &Request,
        within: Duration,
    ) -> Result<Answer, ClientError> {
        Greeting::prepare(paths, client)?.ask(request, within)
    }

    fn attempt(owner: Option<u32>, socket: &Path, hello: &Hello) -> Result<Self, ClientError> {
        let stream = connect(socket)?;
        check_server(&stream, owner, socket)?;
        let mut stream = BufReader::new(Timed::new(stream, GREETING_DEADLINE));
        let agent = greet(&mut stream, hello)?;
        Ok(Self { stream, agent, usable: true })
    }

    /// Who answers.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Asks, and waits for the answer at most [`ANSWER_DEADLINE`].
    pub fn ask(&mut self, request: &Request) -> Result<Answer, ClientError> {
        self.ask_within(request, ANSWER_DEADLINE)
    }

    /// Asks, and waits for the answer at most `within`.
    pub fn ask_within(&mut self, request: &Request, within: Duration) -> Result<Answer, ClientError> {
        self.converse(request, within, |_| {})
    }

    /// Asks, and hands out the events that come before the answer, at most [`STREAM_DEADLINE`] in all.
    pub fn ask_stream(
        &mut self,
        request: &Request,
        on_event: impl FnMut(Event),
    ) -> Result<Answer, ClientError> {
        self.converse(request, STREAM_DEADLINE, on_event)
    }

    fn converse(
        &mut self,
        request: &Request,
        within: Duration,
        mut on_event: impl FnMut(Event),
    ) -> Result<Answer, ClientError> {
        if !self.usable {
            return Err(ClientError::Broken(Phase::Answer));
        }
        let frame = encode(request).map_err(too_large)?;
        // An answer that comes after its deadline must not be taken for the next one.
        self.usable = false;
        self.stream.get_mut().end_within(within);
        send(&mut self.stream, &frame, Phase::Answer)?;
        loop {
            match read_frame(&mut self.stream) {
                Ok(Answer::Event(event)) => on_event(event),
                Ok(answer) => {
                    self.usable = true;
                    return Ok(answer);
                }
                Err(error) => return Err(ClientError::from_frame(error, Phase::Answer)),
            }
        }
    }
}

/// Connects. Where others wait to be let in, a thread waits with them.
pub(crate) fn connect(socket: &Path) -> Result<Stream, ClientError> {
    connect_at_once(socket)?.map_or_else(|| connect_patiently(socket), Ok)
}

/// Connecting does not block as long as the listener keeps up. Where its queue is full, the kernel answers a
/// non-blocking attempt with a socket that is not connected; then this is nothing.
pub(crate) fn connect_at_once(socket: &Path) -> Result<Option<Stream>, ClientError> {
    let name = socket.to_fs_name::<GenericFilePath>().map_err(|error| unreachable(socket, error))?;
    let options = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(GREETING_DEADLINE));
    match options.connect_sync() {
        Ok(stream) => Ok(Some(stream).filter(is_connected)),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
        Err(error) => Err(unreachable(socket, error)),
    }
}

fn connect_patiently(socket: &Path) -> Result<Stream, ClientError> {
    let (sender, receiver) = mpsc::channel();
    let path = socket.to_owned();
    thread::spawn(move || {
        let stream = path.as_path().to_fs_name::<GenericFilePath>().and_then(Stream::connect);
        // Nobody listens any more once the deadline has passed.
        let _ = sender.send(stream);
    });
    match receiver.recv_timeout(GREETING_DEADLINE) {
        Ok(result) => result.map_err(|error| unreachable(socket, error)),
        Err(_) => Err(ClientError::TimedOut(Phase::Connect)),
    }
}

fn unreachable(socket: &Path, source: io::Error) -> ClientError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoAgent,
        io::ErrorKind::TimedOut => ClientError::TimedOut(Phase::Connect),
        _ => ClientError::Unreachable { socket: socket.to_owned(), source },
    }
}

/// Linux tells of a socket without a peer that its peer is process 0.
fn is_connected(stream: &Stream) -> bool {
    stream.peer_creds().is_ok_and(|peer| peer.pid().is_none_or(|pid| pid != 0))
}

/// Whoever owns the folder could have put another server there: the kernel says who it is.
pub(crate) fn check_server(stream: &Stream, owner: Option<u32>, socket: &Path) -> Result<(), ClientError> {
    let peer = stream.peer_creds().map_err(|error| unreachable(socket, error))?;
    #[cfg(unix)]
    if peer.euid().is_none() || peer.euid() != owner {
        return Err(ClientError::WrongOwner { socket: socket.to_owned(), user: peer.euid() });
    }
    #[cfg(not(unix))]
    let _ = (peer, owner);
    Ok(())
}

fn greet(stream: &mut BufReader<Timed>, hello: &Hello) -> Result<Agent, ClientError> {
    let hello = encode(hello).map_err(too_large)?;
    send(stream, &hello, Phase::Greet)?;
    welcomed(stream)
}

pub(crate) fn welcomed(stream: &mut BufReader<Timed>) -> Result<Agent, ClientError> {
    match read_frame(stream).map_err(|error| ClientError::from_frame(error, Phase::Greet))? {
        Welcome::Ready { version, build, instance } => Ok(Agent { version, build, instance }),
        Welcome::Refused(refusal) if refusal.reason == Reason::VersionMismatch => {
            Err(ClientError::Version(refusal))
        }
        Welcome::Refused(refusal) => Err(ClientError::Refused(refusal)),
        _ => Err(ClientError::Garbled),
    }
}

pub(crate) fn send(stream: &mut BufReader<Timed>, frame: &[u8], phase: Phase) -> Result<(), ClientError> {
    io::Write::write_all(stream.get_mut(), frame)
        .map_err(|error| ClientError::from_frame(FrameError::Io(error), phase))
}

pub(crate) fn too_large(_: FrameError) -> ClientError {
    ClientError::TooLarge
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
