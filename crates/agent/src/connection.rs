//! One connection: hello, then one question after the other.

use std::sync::Arc;

use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};
use valetkey_protocol::{
    Answer, Event, FrameError, Hello, MAX_FRAME, Reason, Refusal, Request, Welcome, decode,
};
use zeroize::Zeroizing;

use crate::{
    control::{Control, Phase},
    fit::fit,
    limits::Limits,
    registry::{Registry, Ticket, busy},
    service::{Peer, Service},
    transport::Stream,
    wire::{Wire, WireError},
};

/// Events a sign-in may be ahead of its client.
const EVENTS: usize = 16;

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    pub(crate) service: Arc<S>,
    pub(crate) limits: Limits,
    pub(crate) registry: Arc<Registry>,
    pub(crate) control: Control,
    pub(crate) instance: String,
}

/// Why the conversation ends without a word more.
enum End {
    Refuse(Refusal),
    Silent,
}

type Step<T> = Result<T, End>;

/// Serves a client until it leaves, breaks a rule, or the agent ends.
pub(crate) async fn serve<S: Service>(stream: Stream, peer: Peer, ticket: Ticket, shared: Arc<Shared<S>>) {
    let mut session = Session { wire: Wire::new(stream), peer, ticket, shared };
    if let Err(End::Refuse(refusal)) = session.converse().await {
        tracing::debug!(pid = session.peer.pid, reason = ?refusal.reason, "connection closed: {refusal}");
        let _ = session.send(&Answer::Refused(refusal)).await;
    }
}

/// Tells a client that came when there was no room, or no agent any more. It first takes the client's hello, so that
/// the client's writing does not fail before its reading succeeds.
pub(crate) async fn turn_away(stream: Stream, refusal: Refusal, limits: Limits) {
    let mut wire = Wire::new(stream);
    if wire.read(limits.hello, limits.frame).await.is_ok() {
        let _ = wire.write(&Welcome::Refused(refusal), limits.write).await;
    }
}

/// The refusal of everybody who comes, or waits, while the agent ends.
pub(crate) fn shutting_down() -> Refusal {
    Refusal::new(Reason::ShuttingDown, "the agent is stopping", "try again")
}

struct Session<S> {
    wire: Wire<Stream>,
    peer: Peer,
    ticket: Ticket,
    shared: Arc<Shared<S>>,
}

impl<S: Service> Session<S> {
    async fn converse(&mut self) -> Step<()> {
        self.greet().await?;
        loop {
            let body = self.next(self.shared.limits.idle).await?;
            let request = decode::<Request>(&body);
            drop(body);
            let Ok(request) = request else {
                return Err(refuse(Reason::BadRequest, "the question is not understood"));
            };
            self.ticket.waiting(false);
            let answer = self.answer(request).await?;
            let shared = Arc::clone(&self.shared);
            let (answer, hold) = shared.service.let_out(fit(answer)).await;
            let sent = self.send(&answer).await;
            drop(hold);
            sent?;
            self.ticket.waiting(true);
        }
    }

    async fn greet(&mut self) -> Step<()> {
        let body = self.next(self.shared.limits.hello).await?;
        let Ok(hello) = decode::<Hello>(&body) else {
            return Err(refuse(Reason::BadRequest, "the first frame is no hello"));
        };
        self.peer.client = hello.client;
        let welcome = Welcome::to(&hello, &self.shared.instance);
        self.send(&welcome).await?;
        if matches!(welcome, Welcome::Ready { .. }) { Ok(()) } else { Err(End::Silent) }
    }

    async fn next(&mut self, begin: std::time::Duration) -> Step<Zeroizing<Vec<u8>>> {
        let frame = tokio::select! {
            biased;
            () = self.shared.control.reached(Phase::Draining) => return Err(End::Refuse(shutting_down())),
            () = self.ticket.evicted() => {
                return Err(End::Refuse(busy("the agent has too many connections")));
            }
            frame = self.wire.read(begin, self.shared.limits.frame) => frame,
        };
        frame.map_err(|error| match error {
            WireError::Frame(FrameError::TooLarge(_)) => {
                refuse(Reason::BadRequest, &format!("a question is larger than {MAX_FRAME} bytes"))
            }
            _ => End::Silent,
        })
    }

    async fn answer(&mut self, request: Request) -> Step<Answer> {
        let signing_in = matches!(request, Request::Login(_));
        let (sender, mut events) = mpsc::channel(EVENTS);
        let mut task = self.spawn(request, sender);
        let give_up = if signing_in { Phase::Draining } else { Phase::Over };
        let joined = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => self.send(&Answer::Event(event)).await?,
                joined = &mut task => break joined,
                () = self.wire.closed(), if signing_in => return Err(End::Silent),
                () = self.shared.control.reached(give_up) => return Err(End::Refuse(shutting_down())),
            }
        };
        while let Ok(event) = events.try_recv() {
            self.send(&Answer::Event(event)).await?;
        }
        Ok(joined.unwrap_or_else(|error| failed(&error)))
    }

    /// On a task of its own: a panic ends that request only, and a client that leaves ends nothing but its sign-in,
    /// which hears of it through `events`.
    fn spawn(&self, request: Request, events: mpsc::Sender<Event>) -> JoinHandle<Answer> {
        let in_flight = self.shared.registry.begin();
        let (service, peer) = (Arc::clone(&self.shared.service), self.peer.clone());
        tokio::spawn(async move {
            let answer = service.answer(request, peer, events).await;
            drop(in_flight);
            answer
        })
    }

    async fn send<T: Serialize>(&mut self, value: &T) -> Step<()> {
        self.wire.write(value, self.shared.limits.write).await.map_err(|_| End::Silent)
    }
}

fn refuse(reason: Reason, sentence: &str) -> End {
    End::Refuse(Refusal::new(reason, sentence, ""))
}

/// The panic's text is not passed on: it may hold what the request held.
fn failed(error: &JoinError) -> Answer {
    tracing::error!(panicked = error.is_panic(), "a request failed");
    Answer::Refused(Refusal::new(
        Reason::Internal,
        "the agent failed on this request",
        "run `valetkey agent restart`, and report it if it comes back",
    ))
}
