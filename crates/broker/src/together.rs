//! One sign-in for everybody who wants the same: a build asks from several processes, a person answers once.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use valetkey_protocol::{Event, Reason, Refusal};

use crate::{Client, accounts::Account, broker::held};

/// What two wishes have in common if one sign-in serves both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matter {
    pub(crate) client: Client,
    pub(crate) organisation: Option<String>,
    pub(crate) account: Option<String>,
}

/// How far a sign-in is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    /// What a person has to see.
    pub(crate) event: Option<Event>,
    /// How it ended.
    pub(crate) outcome: Option<Result<Account, Refusal>>,
}

#[derive(Debug)]
struct InAir {
    matter: Matter,
    stage: Arc<watch::Sender<Stage>>,
}

/// The sign-in that waits for a person, if there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignIns(Arc<Mutex<Option<InAir>>>);

/// A place among those who wait for a sign-in. When the last one leaves, the sign-in is cancelled.
#[derive(Debug)]
pub(crate) struct Seat {
    stage: Arc<watch::Sender<Stage>>,
    /// Given up only under the lock of joining.
    seen: Option<watch::Receiver<Stage>>,
    sign_ins: SignIns,
}

/// The side that does the work.
#[derive(Debug)]
pub(crate) struct Lead {
    stage: Arc<watch::Sender<Stage>>,
    sign_ins: SignIns,
}

impl SignIns {
    /// A seat, and the lead where nobody has begun yet. One sign-in at a time: another matter has to wait.
    pub(crate) fn join(&self, matter: &Matter) -> Result<(Seat, Option<Lead>), Refusal> {
        let mut in_air = held(&self.0);
        match &*in_air {
            Some(it) if it.matter == *matter => Ok((self.seat(&it.stage), None)),
            Some(_) => Err(Refusal::new(
                Reason::Busy,
                "another sign-in is in progress",
                "finish or cancel it, then try again",
            )),
            None => {
                let stage = Arc::new(watch::Sender::new(Stage::default()));
                let seat = self.seat(&stage);
                *in_air = Some(InAir { matter: matter.clone(), stage: Arc::clone(&stage) });
                Ok((seat, Some(Lead { stage, sign_ins: self.clone() })))
            }
        }
    }

    fn seat(&self, stage: &Arc<watch::Sender<Stage>>) -> Seat {
        Seat { stage: Arc::clone(stage), seen: Some(stage.subscribe()), sign_ins: self.clone() }
    }
}

/// Nobody can join this one any more.
fn close(in_air: &mut Option<InAir>, stage: &Arc<watch::Sender<Stage>>) {
    in_air.take_if(|it| Arc::ptr_eq(&it.stage, stage));
}

impl Seat {
    /// Waits for the outcome, or, where nothing was `shown` yet, for something to show.
    pub(crate) async fn after(&mut self, shown: bool) -> Stage {
        let news = |stage: &Stage| stage.outcome.is_some() || (!shown && stage.event.is_some());
        match &mut self.seen {
            // The sender lives in `self`, so waiting cannot fail.
            Some(seen) => seen.wait_for(news).await.map(|stage| stage.clone()).unwrap_or_default(),
            None => Stage::default(),
        }
    }
}

impl Drop for Seat {
    /// So that nobody joins a sign-in that is about to be cancelled.
    fn drop(&mut self) {
        let mut in_air = held(&self.sign_ins.0);
        if self.stage.receiver_count() == 1 {
            close(&mut in_air, &self.stage);
        }
        self.seen = None;
    }
}

impl Lead {
    /// Shows everybody what a person has to see.
    pub(crate) fn show(&self, event: Event) {
        self.stage.send_modify(|stage| stage.event = Some(event));
    }

    /// Returns once nobody waits any more.
    pub(crate) async fn deserted(&self) {
        self.stage.closed().await;
    }

    /// Ends it: a wish for the same begins anew from here on.
    pub(crate) fn end(self, outcome: Result<Account, Refusal>) {
        self.finish(outcome);
    }

    fn finish(&self, outcome: Result<Account, Refusal>) {
        close(&mut held(&self.sign_ins.0), &self.stage);
        self.stage.send_if_modified(|stage| {
            let open = stage.outcome.is_none();
            stage.outcome.get_or_insert(outcome);
            open
        });
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.finish(Err(Refusal::new(Reason::Internal, "the sign-in failed", "try again")));
    }
}
