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
        // Whoever read on to hear of the end might be out of time by then.
        Ok([]) => Err(ClientError::from_frame(FrameError::Closed, phase)),
        Ok(held) => Ok(is_whole(held)),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
        Err(error) => Err(ClientError::from_frame(FrameError::Io(error), phase)),
    }
}

fn is_whole(held: &[u8]) -> bool {
    held.split_first_chunk().is_some_and(|(length, body)| {
        usize::try_from(u32::from_be_bytes(*length)).is_ok_and(|length| length <= body.len())
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use valetkey_protocol::{AuditRecord, Event, write_frame};

    use super::*;
    use crate::fake::{folder, serve, welcome};

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn what_does_not_come_whole_is_left_to_whoever_waits() {
        let folder = folder();
        let long = "x".repeat(3 * USUAL);
        let records = vec![AuditRecord { note: long.clone(), ..AuditRecord::default() }];
        let agent = serve(&folder.paths, 1, move |mut stream| {
            welcome(&mut stream);
            let _: Request = read_frame(&mut stream).unwrap();
            let event = Event::Progress { sentence: "one moment".to_owned() };
            write_frame(&mut stream, &Answer::Event(event)).unwrap();
            write_frame(&mut stream, &Answer::Audit { records: records.clone() }).unwrap();
        });
        let greeting = Greeting::prepare_at_once(&folder.paths, ClientKind::Nuget).unwrap();
        let mut pending = greeting.put(&Request::Ping).unwrap();
        assert!(matches!(pending.at_once(LONG), Ok(None)));
        let answer = pending.wait(LONG).unwrap();
        assert!(matches!(&answer, Answer::Audit { records } if records[0].note == long), "{answer:?}");
        agent.join().unwrap();
    }

    #[test]
    fn an_answer_that_comes_whole_is_there_at_once() {
        let folder = folder();
        let agent = serve(&folder.paths, 1, |mut stream| {
            welcome(&mut stream);
            let _: Request = read_frame(&mut stream).unwrap();
            write_frame(&mut stream, &Answer::Done).unwrap();
        });
        let greeting = Greeting::prepare_at_once(&folder.paths, ClientKind::Nuget).unwrap();
        let mut pending = greeting.put(&Request::Ping).unwrap();
        assert!(matches!(pending.at_once(LONG), Ok(Some(Answer::Done))));
        assert!(matches!(pending.wait(LONG), Err(ClientError::Broken(Phase::Answer))));
        agent.join().unwrap();
    }

    #[test]
    fn a_frame_is_whole_with_its_last_byte() {
        let whole = [0, 0, 0, 2, b'{', b'}'];
        assert!(is_whole(&whole) && is_whole(&[&whole[..], b"\0"].concat()));
        assert!((0..whole.len()).all(|length| !is_whole(&whole[..length])));
        assert!(!is_whole(b"\xff\xff\xff\xff{}"), "whoever waits hears of it");
    }

    #[test]
    fn an_end_is_heard_without_reading_once_more() {
        let folder = folder();
        let server = serve(&folder.paths, 1, drop);
        let stream = connect(&folder.paths.socket).unwrap();
        server.join().unwrap();
        let mut stream = BufReader::new(Timed::new(stream, GREETING_DEADLINE));
        let end = has_frame(&mut stream, Duration::from_secs(60), Phase::Answer);
        assert!(matches!(end, Err(ClientError::Broken(Phase::Answer))), "{end:?}");
    }
}
