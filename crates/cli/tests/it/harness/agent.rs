//! The agent, by a script.

use std::{collections::VecDeque, io, time::Duration};

use valetkey_cli::{Agent, Exit, Start, Unreachable};
use valetkey_protocol::{Answer, Event, Request};

/// An agent that answers by a script.
#[derive(Default)]
pub(crate) struct Fake {
    pub(super) answers: VecDeque<Result<Answer, Unreachable>>,
    pub(super) events: Vec<Event>,
    pub(super) asked: Vec<String>,
    pub(super) ends: bool,
}

impl Agent for Fake {
    fn ask(
        &mut self,
        request: &Request,
        start: Start,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Answer, Unreachable> {
        self.asked.push(format!("{start:?} {}", serde_json::to_string(request).unwrap()));
        self.events.drain(..).for_each(|event| on_event(&event));
        self.answers.pop_front().unwrap_or(Err(Unreachable::NotRunning))
    }

    fn wait_until_gone(&mut self, limit: Duration) -> bool {
        self.asked.push(format!("wait at most {} s until it is gone", limit.as_secs()));
        self.ends
    }

    fn run_in_foreground(&mut self) -> io::Result<Exit> {
        Err(io::ErrorKind::NotFound.into())
    }
}
