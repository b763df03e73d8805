//! The way to the agent.

use std::fmt;

use valetkey_client::{ANSWER_DEADLINE, ClientError, Connection, Greeting, Start, agent_program};
use valetkey_paths::Paths;
use valetkey_protocol::{Answer, ClientKind, Event, Request};

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
    /// Does what can be done before there is a question.
    fn prepare(&mut self) {}

    /// Asks one question, and hands out the events that come before its answer.
    fn ask(
        &mut self,
        request: &Request,
        reach: Reach,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError>;
}

/// The agent of this user on this machine.
#[derive(Debug, Default)]
pub struct LocalAgent {
    /// For the first question: an agent that runs is greeted while NuGet still shakes hands.
    greeted: Option<Greeting>,
}

impl Ask for LocalAgent {
    fn prepare(&mut self) {
        self.greeted =
            Paths::discover().ok().and_then(|paths| Greeting::send(&paths, ClientKind::Nuget).ok());
    }

    fn ask(
        &mut self,
        request: &Request,
        reach: Reach,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, ClientError> {
        if let Some(greeted) = self.greeted.take_if(|_| !matches!(request, Request::Login(_))) {
            // The agent lets go of who is silent for long. Another one is asked then.
            match greeted.ask(request, ANSWER_DEADLINE) {
                Err(ClientError::Broken(_)) => {}
                answer => return answer,
            }
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
