//! The way to the agent.

use std::{fmt, time::Duration};

use valetkey_client::{ANSWER_DEADLINE, ClientError, Connection, Greeting, Pending, Start, agent_program};
use valetkey_paths::Paths;
use valetkey_protocol::{Answer, ClientKind, Credential, Event, Request};

/// How much is done to reach the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Start it where none runs: the question is certainly for it.
    Start,
    /// Ask it only if it runs: the question is perhaps for it.
    IfRunning,
}

/// Somebody who answers questions.
pub trait Ask: fmt::Debug + Send {
    /// Asks for a key, if that can be done without starting anybody, and gives what comes at once. Nothing is asked
    /// twice: what comes later, or is no key, is the answer to the same question put to [`Ask::ask`]. What to ask is
    /// found out while the agent wakes up.
    fn ask_briefly(&mut self, _: &mut dyn FnMut() -> Request) -> Option<Credential> {
        None
    }

    /// Asks one question, and hands out the events that come before its answer.
    fn ask(
        &mut self,
        request: &Request,
        reach: Reach,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError>;
}

/// How long what comes at once may take: a key that is held takes a tenth of a millisecond.
const AT_ONCE: Duration = Duration::from_millis(20);

/// The agent of this user on this machine.
#[derive(Debug, Default)]
pub struct LocalAgent {
    /// The question that was put briefly, if its answer was not handed on at once.
    begun: Option<Begun>,
}

#[derive(Debug)]
enum Begun {
    Asked(Pending),
    Answered(Result<Answer, ClientError>),
}

impl LocalAgent {
    /// What the question comes to that was put briefly.
    fn begun(&mut self, request: &Request) -> Option<Result<Answer, ClientError>> {
        if !matches!(request, Request::Get(_)) {
            return None;
        }
        let answer = match self.begun.take()? {
            Begun::Answered(answer) => answer,
            Begun::Asked(pending) => pending.wait(ANSWER_DEADLINE),
        };
        // An agent that went away meanwhile has a successor.
        Some(answer).filter(|answer| !matches!(answer, Err(ClientError::Broken(_))))
    }
}

impl Ask for LocalAgent {
    fn ask_briefly(&mut self, request: &mut dyn FnMut() -> Request) -> Option<Credential> {
        let paths = Paths::discover().ok()?;
        let greeting = Greeting::prepare_at_once(&paths, ClientKind::Nuget).ok()?;
        let mut pending = greeting.put(&request()).ok()?;
        let begun = match pending.at_once(AT_ONCE) {
            Ok(Some(Answer::Credential(credential))) => return Some(credential),
            Ok(Some(answer)) => Begun::Answered(Ok(answer)),
            Ok(None) => Begun::Asked(pending),
            Err(error) => Begun::Answered(Err(error)),
        };
        self.begun = Some(begun);
        None
    }

    fn ask(
        &mut self,
        request: &Request,
        reach: Reach,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError> {
        if let Some(answer) = self.begun(request) {
            return answer;
        }
        let start = match reach {
            Reach::Start => Start::OnDemand { agent: agent_program()? },
            Reach::IfRunning => Start::Never,
        };
        let paths = Paths::discover()?;
        if matches!(request, Request::Login(_)) {
            Connection::open(&paths, ClientKind::Nuget, start)?.ask_stream(request, on_event)
        } else {
            Connection::ask_once(&paths, ClientKind::Nuget, start, request, ANSWER_DEADLINE)
        }
    }
}
