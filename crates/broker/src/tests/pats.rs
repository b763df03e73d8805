//! Tokens of the person: made, replaced, kept, and what is left whatever the moment something ends at.

mod bounds;
mod kept;
mod making;
mod recovery;

use std::sync::Arc;

use valetkey_protocol::{
    Answer, Caller, NewPat, PatList, PatMade, PatRequest, PatSettled, PatValue, Pats, Refusal, RegeneratePat,
};

use super::fakes::*;
use crate::{Broker, Peer};

/// A process that has ended: no system gives out an id as large.
const GONE: Option<Caller> = Some(Caller { pid: u32::MAX, started: 0 });

fn here() -> Caller {
    Caller { pid: std::process::id(), started: 0 }
}

async fn asked(broker: &Arc<Broker>, request: PatRequest) -> Result<Answer, Refusal> {
    match broker.pat(request, &Peer::default()).await {
        Answer::Refused(refusal) => Err(refusal),
        answer => Ok(answer),
    }
}

async fn create(
    broker: &Arc<Broker>,
    keep: Option<&str>,
    caller: Option<Caller>,
) -> Result<PatMade, Refusal> {
    let new = NewPat {
        organisation: None,
        name: "ci".to_owned(),
        scope: "vso.build".to_owned(),
        expires_at: START + 24 * HOUR,
        keep: keep.map(str::to_owned),
        caller,
    };
    match asked(broker, PatRequest::Create(new)).await? {
        Answer::PatMade(made) => Ok(made),
        other => panic!("{other:?}"),
    }
}

async fn regenerate(
    broker: &Arc<Broker>,
    id: &str,
    keep: Option<&str>,
    caller: Option<Caller>,
) -> Result<PatMade, Refusal> {
    let wish = RegeneratePat {
        organisation: None,
        id: id.to_owned(),
        scope: None,
        expires_at: None,
        keep: keep.map(str::to_owned),
        caller,
    };
    match asked(broker, PatRequest::Regenerate(wish)).await? {
        Answer::PatMade(made) => Ok(made),
        other => panic!("{other:?}"),
    }
}

async fn take(broker: &Arc<Broker>, made: &PatMade) -> Result<PatValue, Refusal> {
    match asked(broker, PatRequest::Take { ticket: made.ticket.clone().unwrap() }).await? {
        Answer::PatValue(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

async fn settle(broker: &Arc<Broker>, made: &PatMade, delivered: bool) -> Result<PatSettled, Refusal> {
    let ticket = made.ticket.clone().unwrap();
    match asked(broker, PatRequest::Settle { ticket, delivered }).await? {
        Answer::PatSettled(settled) => Ok(settled),
        other => panic!("{other:?}"),
    }
}

async fn list(broker: &Arc<Broker>) -> Vec<valetkey_protocol::PatStatus> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let question = PatList { after: after.take(), ..PatList::default() };
        let Answer::Pats(Pats { pats, next }) = asked(broker, PatRequest::List(question)).await.unwrap()
        else {
            panic!("no list")
        };
        found.extend(pats);
        after = next;
        if after.is_none() {
            return found;
        }
    }
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<_> = world.pats.alive().into_iter().map(|key| key.name).collect();
    names.sort();
    names
}

/// A token that nobody here made.
fn plant(world: &World, id: &str, name: &str) {
    let alive = Alive {
        organisation: "contoso".to_owned(),
        scope: "vso.build".to_owned(),
        name: name.to_owned(),
        valid_to: START + 5 * HOUR,
    };
    world.pats.keys.lock().unwrap().insert(id.to_owned(), alive);
}
