//! One question, sent with the greeting, and its answer, waited for in two steps.

use std::{
    io::{self, BufRead as _, BufReader},
    time::{Duration, Instant},
};

use interprocess::local_socket::Stream;
use valetkey_paths::{Paths, trust};
use valetkey_protocol::{Answer, ClientKind, FrameError, Hello, Request, encode, read_frame};

use crate::{
    ClientError, Phase,
    connection::{GREETING_DEADLINE, check_server, connect, connect_at_once, send, too_large, welcomed},
    timed::Timed,
};

/// What the agent says to one question fits mostly, in bytes: a key that is a token of its own has some 2,000.
const USUAL: usize = 4096;

/// A connection over which nothing is awaited yet: the greeting goes with the one question.
#[derive(Debug)]
pub struct Greeting {
    stream: BufReader<Timed>,
    hello: Vec<u8>,
}

impl Greeting {
    /// Connects to the running agent and keeps the greeting for the question.
    pub fn prepare(paths: &Paths, client: ClientKind) -> Result<Self, ClientError> {
        Self::over(connect(&paths.socket)?, paths, client)
    }

    /// The same for whoever must not wait; [`ClientError::TimedOut`] where others wait to be let in.
    pub fn prepare_at_once(paths: &Paths, client: ClientKind) -> Result<Self, ClientError> {
        let stream = connect_at_once(&paths.socket)?.ok_or(ClientError::TimedOut(Phase::Connect))?;
        Self::over(stream, paths, client)
    }

    fn over(stream: Stream, paths: &Paths, client: ClientKind) -> Result<Self, ClientError> {
        let hello = encode(&Hello::new(client)).map_err(too_large)?;
        check_server(&stream, trust::current_user(), &paths.socket)?;
        Ok(Self { stream: BufReader::with_capacity(USUAL, Timed::new(stream, GREETING_DEADLINE)), hello })
    }

    /// Asks the one question, and waits for the answer at most `within`.
    pub fn ask(self, request: &Request, within: Duration) -> Result<Answer, ClientError> {
        self.put(request)?.wait(within)
    }

    /// Asks the one question and does not wait.
    pub fn put(self, request: &Request) -> Result<Pending, ClientError> {
        let Self { mut stream, hello: mut frames } = self;
        frames.extend(encode(request).map_err(too_large)?);
        stream.get_mut().end_within(GREETING_DEADLINE);
        send(&mut stream, &frames, Phase::Greet)?;
        Ok(Pending { stream, welcomed: false })
    }
}

/// A question whose answer is on its way.
#[derive(Debug)]
pub struct Pending {
    stream: BufReader<Timed>,
    welcomed: bool,
}

impl Pending {
    /// The answer, if the whole of it arrives `within` this time. Nothing of it is lost if it does not, and nothing
    /// is waited for any longer, whatever has begun to arrive.
    pub fn at_once(&mut self, within: Duration) -> Result<Option<Answer>, ClientError> {
        let end = Instant::now() + within;
        if !self.welcomed {
            if !has_frame(&mut self.stream, within, Phase::Greet)? {
                return Ok(None);
            }
            self.be_welcomed()?;
        }
        while has_frame(&mut self.stream, end.saturating_duration_since(Instant::now()), Phase::Answer)? {
            if let Some(answer) = self.next()? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Waits for the answer at most `within`.
    pub fn wait(mut self, within: Duration) -> Result<Answer, ClientError> {
        if !self.welcomed {
            self.be_welcomed()?;
        }
        self.stream.get_mut().end_within(within);
        loop {
            if let Some(answer) = self.next()? {
                return Ok(answer);
            }
        }
    }

    /// The next frame, if it is the answer.
    fn next(&mut self) -> Result<Option<Answer>, ClientError> {
        match read_frame(&mut self.stream) {
            Ok(Answer::Event(_)) => Ok(None),
            Ok(answer) => Ok(Some(answer)),
            Err(error) => Err(ClientError::from_frame(error, Phase::Answer)),
        }
    }

    fn be_welcomed(&mut self) -> Result<(), ClientError> {
        self.stream.get_mut().end_within(GREETING_DEADLINE);
        welcomed(&mut self.stream)?;
        self.welcomed = true;
        Ok(())
    }
}

/// Whether a frame can be read without waiting. One that is larger than what is held at once cannot.
fn has_frame(stream: &mut BufReader<Timed>, within: Duration, phase: Phase) -> Result<bool, ClientError> {
    stream.get_mut().end_within(within);
    match stream.fill_buf() {
        // An end is a frame of a kind: whoever reads on hears of it.
        Ok(held) => Ok(held.is_empty() || is_whole(held)),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
        Err(error) => Err(ClientError::from_frame(FrameError::Io(error), phase)),
    }
}

fn is_whole(held: &[u8]) -> bool {
    held.split_first_chunk().is_some_and(|(length, body)| {
        usize::try_from(u32::from_be_bytes(*length)).is_ok_and(|length| length <= body.len())
    })
}
