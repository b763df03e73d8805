//! People who are called because nobody reads what a program prints.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{sleep, timeout};
use valetkey_protocol::{Answer, KeySelector, Operation};

use super::fakes::*;
use crate::{Broker, Peer};

/// A development environment that fetches by itself.
fn editor() -> Peer {
    Peer { pid: EDITOR, is_read: true, ..Peer::default() }
}

async fn fetch(broker: &Arc<Broker>, operation: Operation, peer: Peer) -> Answer {
    let answer = broker.get(question("contoso", Some(operation)), peer).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    answer
}

/// What was heard is on the trail once it is in the file.
async fn on_the_trail(world: &World) {
    let noted = async {
        while world.trail.count("notified") == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(60), noted).await.unwrap();
}

fn rung(world: &World) -> Vec<String> {
    let rung = world.bell.rung.lock().unwrap();
    rung.iter().map(|it| format!("{}: {}; {}", it.account, it.refusal.sentence, it.refusal.hint)).collect()
}

async fn dead(world: &World) -> Arc<Broker> {
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    broker
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_not_looked_at_while_all_is_well() {
    let world = World::new();
    let broker = world.signed_in().await;
    for _ in 0..3 {
        assert!(matches!(fetch(&broker, Operation::Read, editor()).await, Answer::Credential(_)));
    }
    assert_eq!(world.bell.looks.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_calls_its_person_once_until_they_sign_in_again() {
    let world = World::new();
    let mut broker = dead(&world).await;
    for _ in 0..100 {
        assert!(matches!(fetch(&broker, Operation::Write, editor()).await, Answer::Refused(_)));
        // And beside a key that works.
        assert!(matches!(fetch(&broker, Operation::Read, editor()).await, Answer::Credential(_)));
        world.clock.pass(61);
    }
    let line =
        "alice@contoso.com: the session has ended; run `valetkey login contoso --account alice@contoso.com`";
    assert_eq!(rung(&world), [line]);
    on_the_trail(&world).await;
    assert_eq!(world.trail.count("notified"), 1);
    broker = world.restarted().await;
    fetch(&broker, Operation::Write, editor()).await;
    assert_eq!(rung(&world).len(), 1, "it is known after a restart");
    *world.identity.fails.lock().unwrap() = None;
    login(&broker, Some("contoso")).await;
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    fetch(&broker, Operation::Write, editor()).await;
    assert_eq!(rung(&world).len(), 2, "the next session that ends");
}

#[tokio::test(start_paused = true)]
async fn nobody_at_a_terminal_is_called_and_what_the_editor_was_told_is_told_there_too() {
    let world = World::new();
    let broker = dead(&world).await;
    let terminal = Peer { is_read: true, ..Peer::default() };
    fetch(&broker, Operation::Write, terminal.clone()).await;
    assert!(rung(&world).is_empty());
    for peer in [editor(), terminal] {
        let Answer::Credential(key) = fetch(&broker, Operation::Read, peer).await else { panic!("no key") };
        assert!(key.notice.is_some());
    }
    assert_eq!(rung(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_heard_is_made_again() {
    let world = World::new();
    let broker = dead(&world).await;
    world.bell.unheard.store(true, Ordering::SeqCst);
    fetch(&broker, Operation::Write, editor()).await;
    fetch(&broker, Operation::Write, editor()).await;
    assert_eq!((rung(&world).len(), world.trail.count("notified")), (2, 0));
    world.bell.unheard.store(false, Ordering::SeqCst);
    fetch(&broker, Operation::Write, editor()).await;
    fetch(&broker, Operation::Write, editor()).await;
    on_the_trail(&world).await;
    assert_eq!((rung(&world).len(), world.trail.count("notified")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_that_finds_the_session_dead_calls_too() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    *world.identity.fails.lock().unwrap() = Some(ended());
    world.clock.pass(8 * HOUR - 1200);
    let terminal = Peer { is_read: true, ..Peer::default() };
    assert!(matches!(fetch(&broker, Operation::Read, terminal).await, Answer::Credential(_)));
    broker.all_landed(Duration::from_secs(5)).await;
    assert_eq!(rung(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_reached_calls_nobody() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(down());
    fetch(&broker, Operation::Read, editor()).await;
    broker.revoke(&KeySelector::All, &Peer::default()).await;
    assert!(rung(&world).is_empty());
}
