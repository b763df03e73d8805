//! The seam to the agent: what a verb needs of it, and nothing about sockets.

use std::{io, time::Duration};

use valetkey_protocol::{Answer, Event, Request};

use crate::exit::Exit;

/// The agent as a verb sees it.
pub trait Agent {
    /// Asks and waits for the last answer; events before it go to `on_event`. A refusal is an answer.
    fn ask(
        &mut self,
        request: &Request,
        start: Start,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Answer, Unreachable>;

    /// Waits until no agent answers any more; `false` when one still does after `limit`.
    fn wait_until_gone(&mut self, limit: Duration) -> bool;

    /// Runs an agent in the foreground until it ends.
    fn run_in_foreground(&mut self) -> io::Result<Exit>;
}

/// Whether an agent is started where none runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Ask only a running one.
    Never,
    /// Start one first.
    OnDemand,
}

/// Why no agent could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// None runs, and none was to be started.
    NotRunning,
    /// One runs or was started, and it cannot be talked to.
    Failed {
        /// What is wrong: one line.
        sentence: String,
        /// What to do next: one line, may be empty.
        hint: String,
    },
}

impl Unreachable {
    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::NotRunning => "no agent is running",
            Self::Failed { sentence, .. } => sentence,
        }
    }

    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::NotRunning => "run `valetkey agent start`",
            Self::Failed { hint, .. } => hint,
        }
    }
}

/// Asks a question that has no events.
pub(crate) fn ask(agent: &mut dyn Agent, request: &Request, start: Start) -> Result<Answer, Unreachable> {
    agent.ask(request, start, &mut |_| {})
}
