//! The seam between the socket and what is behind it.

use std::time::Duration;

use tokio::sync::mpsc;
use valetkey_protocol::{Answer, ClientKind, Event, Refusal, Request};

/// The process at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Process id at the time of connecting; 0 where unknown.
    pub pid: u32,
    /// User id, from the kernel.
    pub uid: u32,
    /// Path of its program, empty where unknown. A hint for the audit trail, never a right: a process can connect,
    /// fork, and turn into another program.
    pub exe: String,
    /// What it said it is.
    pub client: ClientKind,
}

impl Peer {
    /// As the audit trail writes it.
    pub(crate) fn line(&self) -> String {
        format!("pid {} uid {} {}", self.pid, self.uid, valetkey_protocol::shown(&self.exe))
            .trim_end()
            .to_owned()
    }
}

/// What may change while the agent runs and the socket has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether root may connect to an agent that is not root's.
    pub allow_root: bool,
    /// How long without any connection until the agent ends; never where `None`.
    pub idle_exit: Option<Duration>,
}

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Held from [`Service::let_out`] until the answer is written.
    type Hold: Send;

    /// Answers one request. It runs to its end, whoever has left; only a [`Request::Login`] ends early, when `events`
    /// is closed.
    fn answer(
        &self,
        request: Request,
        peer: Peer,
        events: mpsc::Sender<Event>,
    ) -> impl Future<Output = Answer> + Send;

    /// The last look at an answer before it is written.
    fn let_out(&self, answer: Answer) -> impl Future<Output = (Answer, Option<Self::Hold>)> + Send;

    /// The rules that hold now.
    fn rules(&self) -> Rules;

    /// Somebody who may not connect did.
    fn turned_away(&self, peer: &Peer, refusal: &Refusal);
}
