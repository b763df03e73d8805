//! The way to the agent.

use std::time::Duration;

use valetkey_client::{ANSWER_DEADLINE, ClientError, Connection, Start, agent_program};
use valetkey_paths::Paths;
use valetkey_protocol::{Answer, ClientKind, Request};

/// How long git waits for a hint to be taken.
const HINT_DEADLINE: Duration = Duration::from_secs(5);

/// How much is done to reach the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Start it where none runs: the question is certainly for it.
    Start,
    /// Ask it only if it runs: the question is perhaps for it.
    IfRunning,
}

/// Somebody who answers questions.
pub trait Ask {
    /// Asks one question.
    fn ask(&mut self, request: &Request, reach: Reach) -> Result<Answer, ClientError>;
}

/// The agent of this user on this machine.
#[derive(Debug)]
pub struct LocalAgent;

impl Ask for LocalAgent {
    fn ask(&mut self, request: &Request, reach: Reach) -> Result<Answer, ClientError> {
        let start = match reach {
            Reach::Start => Start::OnDemand { agent: agent_program()? },
            Reach::IfRunning => Start::Never,
        };
        let within = if matches!(request, Request::Erase(_)) { HINT_DEADLINE } else { ANSWER_DEADLINE };
        Connection::ask_once(&Paths::discover()?, ClientKind::Git, start, request, within)
    }
}
