//! Several programs that want the same sign-in.

use std::sync::{Arc, atomic::Ordering};

use tokio::{
    sync::mpsc::{Receiver, channel},
    task::JoinHandle,
};
use valetkey_protocol::{Answer, Event, Flow, LoginRequest, Reason};

use super::fakes::*;
use crate::{Broker, Peer};

struct Asker {
    events: Receiver<Event>,
    answer: JoinHandle<Answer>,
}

impl Asker {
    fn of(broker: &Arc<Broker>, request: LoginRequest) -> Self {
        let (sender, events) = channel(8);
        let broker = Arc::clone(broker);
        let answer = tokio::spawn(async move { broker.login(request, sender, Peer::default()).await });
        Self { events, answer }
    }

    fn wanting(broker: &Arc<Broker>, organisation: &str) -> Self {
        Self::of(broker, login_request(Some(organisation)))
    }

    /// The address a person is to open.
    async fn browser(&mut self) -> String {
        loop {
            match self.events.recv().await {
                Some(Event::Browser { url }) => return url,
                Some(_) => {}
                None => panic!("nothing to open"),
            }
        }
    }

    async fn reason(self) -> Option<Reason> {
        match self.answer.await.unwrap() {
            Answer::Refused(refusal) => Some(refusal.reason),
            Answer::SignedIn { silent: false, .. } => None,
            other => panic!("unexpected answer {other:?}"),
        }
    }
}

fn world() -> World {
    let world = World::new();
    world.identity.waits.store(true, Ordering::SeqCst);
    world
}

#[tokio::test(start_paused = true)]
async fn a_person_signs_in_once_for_everybody_who_waits() {
    let world = world();
    let broker = world.broker();
    let mut first = Asker::wanting(&broker, "contoso");
    let url = first.browser().await;
    let device = LoginRequest { flow: Flow::DeviceCode, ..login_request(Some("Contoso")) };
    let mut others: Vec<_> = (0..20).map(|_| Asker::of(&broker, device.clone())).collect();
    for other in &mut others {
        assert_eq!(other.browser().await, url, "who comes later sees what there is");
    }
    world.identity.signs.notify_one();
    assert_eq!(first.reason().await, None);
    for other in others {
        assert_eq!(other.reason().await, None);
    }
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 1);
    assert_eq!((broker.accounts().len(), world.trail.count("signed-in")), (1, 21));
    assert!(matches!(login(&broker, Some("contoso")).await, Answer::SignedIn { silent: true, .. }));
}

#[tokio::test(start_paused = true)]
async fn who_began_may_leave_and_who_joined_may_too() {
    let world = world();
    let broker = world.broker();
    let mut first = Asker::wanting(&broker, "contoso");
    first.browser().await;
    let (mut second, mut third) = (Asker::wanting(&broker, "contoso"), Asker::wanting(&broker, "contoso"));
    second.browser().await;
    third.browser().await;
    drop((first.events, second.events));
    for answer in [first.answer, second.answer] {
        let Answer::Refused(refusal) = answer.await.unwrap() else { panic!("not cancelled") };
        assert_eq!(refusal.reason, Reason::SignInAbandoned);
    }
    world.identity.signs.notify_one();
    assert_eq!(third.reason().await, None);
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_joins_a_sign_in_that_everybody_left() {
    let world = world();
    let broker = world.broker();
    for round in 1..=5 {
        let mut asker = Asker::wanting(&broker, "contoso");
        asker.browser().await;
        assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), round);
        drop(asker.events);
        asker.answer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn another_organisation_or_client_does_not_join() {
    let world = world();
    let broker = world.broker();
    let mut first = Asker::wanting(&broker, "contoso");
    first.browser().await;
    let client = LoginRequest { client_id: Some("other".into()), ..login_request(Some("contoso")) };
    let tenant = LoginRequest { tenant: Some("away".into()), ..login_request(Some("contoso")) };
    for other in [client, tenant, login_request(Some("fabrikam")), login_request(None)] {
        assert_eq!(Asker::of(&broker, other).reason().await, Some(Reason::Busy));
    }
    world.identity.signs.notify_one();
    assert_eq!(first.reason().await, None);
}

#[tokio::test(start_paused = true)]
async fn everybody_hears_why_it_failed() {
    let world = world();
    *world.identity.granted.lock().unwrap() = vec!["res/vso.pats".to_owned()];
    let broker = world.broker();
    let mut askers: Vec<_> = (0..3).map(|_| Asker::wanting(&broker, "contoso")).collect();
    for asker in &mut askers {
        asker.browser().await;
    }
    world.identity.signs.notify_one();
    for asker in askers {
        assert_eq!(asker.reason().await, Some(Reason::NeedsConsent));
    }
    assert!(broker.accounts().is_empty());
}
