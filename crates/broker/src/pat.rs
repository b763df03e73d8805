//! Personal access tokens of the person: all of them are listed and changed, and new ones are made so that at no
//! moment one lives that nobody knows of, or dies that is still needed.
//!
//! A token is on the ledger before it is asked for (`posting`), when its id is known (`made`), before its value leaves
//! the agent (`handing`), and when that has reached its place (`handed`, or `kept` in the vault). Only then do the
//! tokens die that it replaces. Whatever the moment the agent or its client ends at, [`recover`] knows from the last
//! line what is to be done.

mod browse;
mod caller;
mod hand;
mod kept;
mod make;
mod recover;
mod whose;

pub(crate) use kept::value_name;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use valetkey_protocol::{Answer, PatHeld, PatRequest, PatStatus, Reason, Refusal, SecretString};

use crate::{
    Broker, Failure, PatFacts, Peer,
    audit::Filled as _,
    ledger::{Entry, State},
};

/// What is known of tokens that are being made.
#[derive(Debug, Default)]
pub(crate) struct Making {
    /// Values that nobody has taken yet, by nonce. They die with the agent, and their tokens soon after.
    values: Mutex<HashMap<String, SecretString>>,
    /// Held from looking whether a token is being replaced until that is on the ledger.
    gate: tokio::sync::Mutex<()>,
    /// Ids of tokens that this agent revoked: the service goes on telling of them, and does not say that they are dead.
    revoked: Mutex<HashSet<String>>,
}

impl Broker {
    /// Answers a question about the person's tokens. The caller has seen to it that a person asks.
    pub async fn pat(self: &Arc<Self>, request: PatRequest, peer: &Peer) -> Answer {
        self.attend_pat(request, peer).await.unwrap_or_else(|failure| {
            self.record("refused").because(&failure.refusal).by(peer).write(&*self.audit);
            Answer::Refused(failure.refusal)
        })
    }

    async fn attend_pat(self: &Arc<Self>, request: PatRequest, peer: &Peer) -> Result<Answer, Failure> {
        use PatRequest as Do;
        if self.is_locked() && !matches!(request, Do::Settle { .. } | Do::Kept) {
            return Err(Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`").into());
        }
        match request {
            Do::List(list) => self.list_pats(list, peer).await.map(Answer::Pats),
            Do::Show { organisation, id } => self.show_pat(organisation, &id, peer).await.map(Answer::Pat),
            Do::Create(new) => self.create_pat(new, peer).await.map(Answer::PatMade),
            Do::Regenerate(wish) => self.regenerate_pat(wish, peer).await.map(Answer::PatMade),
            Do::Take { ticket } => self.take_pat(&ticket, peer).await.map(Answer::PatValue),
            Do::Settle { ticket, delivered } => {
                self.settle_pat(&ticket, delivered, peer).await.map(Answer::PatSettled)
            }
            Do::Update(change) => self.update_pat(change, peer).await.map(Answer::Pat),
            Do::Revoke { organisation, id } => {
                self.revoke_pat(organisation, &id, peer).await.map(Answer::Revoked)
            }
            Do::Kept => Ok(Answer::Pats(self.kept_pats())),
            Do::Use { name } => self.use_pat(&name, peer).await.map(Answer::PatValue),
            _ => Err(Refusal::new(
                Reason::VersionMismatch,
                "the running agent does not know this request",
                "run `valetkey agent restart`",
            )
            .into()),
        }
    }

    /// What a token of the service is to us.
    fn status_of(&self, organisation: &str, facts: PatFacts) -> PatStatus {
        let held = self.ledger.by_id(&facts.authorization_id).map_or(PatHeld::No, |entry| held_as(&entry));
        PatStatus {
            id: facts.authorization_id,
            name: facts.display_name,
            organisation: organisation.to_owned(),
            scope: facts.scope,
            created_at: facts.valid_from,
            expires_at: facts.valid_to,
            all_organisations: facts.all_organisations,
            held,
        }
    }
}

/// What a token on the ledger is to us.
fn held_as(entry: &Entry) -> PatHeld {
    match (&entry.person, entry.state) {
        (None, State::Minted | State::Superseded) => PatHeld::Key,
        (Some(person), State::Kept) => PatHeld::Kept { name: person.keep.clone().unwrap_or_default() },
        (Some(person), State::Made | State::Handing | State::Handed) => {
            PatHeld::Unsettled { replaces: person.replaces.clone() }
        }
        _ => PatHeld::No,
    }
}

/// A token on the ledger, as people see it.
fn status_of_entry(entry: &Entry) -> PatStatus {
    PatStatus {
        id: entry.authorization_id.clone().unwrap_or_default(),
        name: entry.person.as_ref().map_or(&entry.name, |person| &person.title).clone(),
        organisation: entry.organisation.clone(),
        scope: entry.scope.clone(),
        created_at: entry.created_at,
        expires_at: entry.valid_to,
        all_organisations: false,
        held: held_as(entry),
    }
}
