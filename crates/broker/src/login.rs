//! Signing in: silently where a session lives, else with a person.

mod admit;
mod plan;
mod silent;

use std::sync::Arc;

use tokio::sync::mpsc;
use valetkey_protocol::{Answer, Event, Flow, LoginRequest, Reason, Refusal};

use crate::{
    Broker, Loan, Peer, Wish,
    accounts::Account,
    audit::Filled as _,
    together::{Lead, Matter, Seat},
};
use admit::check_granted;
use plan::Plan;

/// How somebody came to be signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Silently,
    ByPerson,
    /// A person signed in for another program that wanted the same at the same time.
    Together,
    /// A person is signed in elsewhere, and access tokens come from there.
    Lent,
}

impl How {
    fn note(self) -> &'static str {
        match self {
            Self::Silently => "by the live session",
            Self::ByPerson => "by a person",
            Self::Together => "by a person, for several programs at once",
            Self::Lent => "by a session elsewhere",
        }
    }
}

impl Broker {
    /// Signs in, and allows the organisation for the account. Events are for a person to see; dropping their receiver
    /// cancels.
    pub async fn login(
        self: &Arc<Self>,
        request: LoginRequest,
        events: mpsc::Sender<Event>,
        peer: Peer,
    ) -> Answer {
        let went = tokio::select! {
            biased;
            () = events.closed() => Err(abandoned()),
            went = self.try_login(&request, &events) => went,
        };
        match went {
            Ok((account, how)) => {
                self.record("signed-in")
                    .of_account(&account.username)
                    .noting(how.note())
                    .by(&peer)
                    .write(&*self.audit);
                let organisations = account.organisation_names();
                let silent = how == How::Silently;
                Answer::SignedIn { account: account.username, tenant: account.tenant, organisations, silent }
            }
            Err(refusal) => {
                self.record("refused").because(&refusal).by(&peer).write(&*self.audit);
                Answer::Refused(refusal)
            }
        }
    }

    async fn try_login(
        self: &Arc<Self>,
        request: &LoginRequest,
        events: &mpsc::Sender<Event>,
    ) -> Result<(Account, How), Refusal> {
        if self.is_locked() {
            return Err(Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`"));
        }
        let plan = self.plan(request, events).await?;
        if plan.source.is_some() {
            return Ok((self.borrowed(&plan, events).await?, How::Lent));
        }
        let candidates = self.candidates(&plan, request);
        if !request.fresh
            && let Some(account) = self.one_of(&candidates, &plan).await?
        {
            return Ok((account, How::Silently));
        }
        let usual = candidates.into_iter().next();
        let matter = Matter {
            client: plan.client.clone(),
            organisation: plan.organisation.clone(),
            account: plan.account.clone(),
        };
        let (seat, lead) = self.sign_ins.join(&matter)?;
        let how = if lead.is_some() { How::ByPerson } else { How::Together };
        if let Some(lead) = lead {
            let wish = Wish {
                login_hint: plan.account.clone().or_else(|| {
                    usual.as_ref().filter(|_| !request.fresh).map(|account| account.username.clone())
                }),
                claims: usual.as_ref().and_then(|account| self.sessions.problems.take_claims(&account.id)),
                choose_account: request.fresh && plan.account.is_none(),
            };
            // In a task of its own: who began may leave while others wait.
            let (broker, flow) = (Arc::clone(self), request.flow);
            tokio::spawn(async move { broker.ask_person(plan, flow, wish, lead).await });
        }
        Ok((attend(seat, events).await?, how))
    }

    /// Has a person sign in, until nobody waits for it any more.
    async fn ask_person(self: Arc<Self>, plan: Plan, flow: Flow, wish: Wish, lead: Lead) {
        let identity = Arc::clone(&self.live().services.identity);
        let signing = async {
            let started = identity.begin(&plan.client, flow, wish).await?;
            lead.show(started.event);
            started.finish.await
        };
        let tokens = tokio::select! {
            biased;
            () = lead.deserted() => return,
            tokens = signing => tokens,
        };
        // Once the tokens are here, leaving must not leave half a session.
        let outcome = match tokens.map_err(|failure| failure.refusal) {
            Ok(tokens) => match check_granted(&tokens, plan.lends) {
                Ok(()) => self.conclude(&plan, tokens).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        lead.end(outcome);
    }

    /// Takes the tokens of somebody who is signed in elsewhere. Nobody is asked anything.
    async fn borrowed(&self, plan: &Plan, events: &mpsc::Sender<Event>) -> Result<Account, Refusal> {
        let Some(source) = &plan.source else { return Err(abandoned()) };
        let _ = events.send(Event::Progress { sentence: format!("asking {source} for a token") }).await;
        let tenant = plan.tenant_known.then_some(plan.client.tenant.as_str());
        let identity = Arc::clone(&self.live().services.identity);
        let loan = Loan { source, tenant, claims: None, introduced: true };
        let tokens = identity.borrow(loan).await.map_err(|failure| failure.refusal)?;
        self.conclude(plan, tokens).await
    }
}

/// Shows what there is to see, and waits for the end.
async fn attend(mut seat: Seat, events: &mpsc::Sender<Event>) -> Result<Account, Refusal> {
    let mut shown = false;
    loop {
        let stage = seat.after(shown).await;
        if let (false, Some(event)) = (shown, stage.event) {
            events.send(event).await.map_err(|_| abandoned())?;
            shown = true;
        }
        if let Some(outcome) = stage.outcome {
            return outcome;
        }
    }
}

fn abandoned() -> Refusal {
    Refusal::new(Reason::SignInAbandoned, "the sign-in was cancelled", "run `valetkey login` to try again")
}
