//! One question, sent with the greeting, and its answer, waited for in two steps.

use std::{
    io::{self, BufRead as _, BufReader},
    time::{Duration, Instant},
};

use valetkey_paths::{Paths, trust};
use valetkey_protocol::{Answer, ClientKind, FrameError, Hello, Request, encode, read_frame};

use crate::{
    ClientError, Phase,
    connection::{GREETING_DEADLINE, check_server, connect, send, too_large, welcomed},
    timed::Timed,
};

/// What the agent says to one question fits mostly, in bytes.
const USUAL: usize = 1024;

/// A connection over which nothing is awaited yet: the greeting goes with the one question.
#[derive(Debug)]
pub struct Greeting {
    stream: BufReader<Timed>,
    hello: Vec<u8>,
}

impl Greeting {
    /// Connects to the running agent and keeps the greeting for the question.
    pub fn prepare(paths: &Paths, client: ClientKind) -> Result<Self, ClientError> {
        let hello = encode(&Hello::new(client)).map_err(too_large)?;
        let stream = connect(&paths.socket)?;
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
    /// Whether the answer begins to arrive `within` this time. Nothing of it is lost if it does not.
    pub fn is_coming(&mut self, within: Duration) -> Result<bool, ClientError> {
        let end = Instant::now() + within;
        if !self.welcomed {
            if !is_coming(&mut self.stream, within, Phase::Greet)? {
                return Ok(false);
            }
            self.be_welcomed()?;
        }
        is_coming(&mut self.stream, end.saturating_duration_since(Instant::now()), Phase::Answer)
    }

    /// Waits for the answer at most `within`.
    pub fn wait(mut self, within: Duration) -> Result<Answer, ClientError> {
        if !self.welcomed {
            self.be_welcomed()?;
        }
        self.stream.get_mut().end_within(within);
        loop {
            match read_frame(&mut self.stream) {
                Ok(Answer::Event(_)) => {}
                Ok(answer) => return Ok(answer),
                Err(error) => return Err(ClientError::from_frame(error, Phase::Answer)),
            }
        }
    }

    fn be_welcomed(&mut self) -> Result<(), ClientError> {
        self.stream.get_mut().end_within(GREETING_DEADLINE);
        welcomed(&mut self.stream)?;
        self.welcomed = true;
        Ok(())
    }
}

fn is_coming(stream: &mut BufReader<Timed>, within: Duration, phase: Phase) -> Result<bool, ClientError> {
    stream.get_mut().end_within(within);
    match stream.fill_buf() {
        // An end is an answer of a kind: whoever reads on hears of it.
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
        Err(error) => Err(ClientError::from_frame(FrameError::Io(error), phase)),
    }
}
