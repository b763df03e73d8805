//! One mint for everybody, and none where a key is at hand.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use valetkey_protocol::{ExposeSecret as _, Operation, Reason, Refusal};

use super::fakes::*;
use crate::{Failure, FailureKind};

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_questions_cost_one_mint() {
    let world = World::new();
    let broker = world.signed_in().await;
    let asked: Vec<_> = (0..1000)
        .map(|_| {
            let broker = broker.clone();
            tokio::spawn(async move { read(&broker).await.unwrap() })
        })
        .collect();
    let mut answers = BTreeSet::new();
    for question in asked {
        let key = question.await.unwrap();
        answers.insert((key.password.expose_secret().to_owned(), key.expires_at, key.state, key.fresh));
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(world.pats.counts(), (1, 0));
    assert_eq!(world.trail.count("minted"), 1);
    assert_eq!(world.trail.count("handed-out"), 1000);
    assert_eq!(broker.keys()[0].handed_out, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_questions_over_twenty_keys_cost_twenty() {
    let world = World::new();
    let broker = world.signed_in().await;
    for number in 1..10 {
        login(&broker, Some(&format!("org{number}"))).await;
    }
    let asked: Vec<_> = (0..1000)
        .map(|number| {
            let broker = broker.clone();
            let operation = if number % 2 == 0 { Operation::Read } else { Operation::Write };
            let organisation = match number / 2 % 10 {
                0 => "contoso".to_owned(),
                other => format!("org{other}"),
            };
            tokio::spawn(async move { ask(&broker, question(&organisation, Some(operation))).await.unwrap() })
        })
        .collect();
    for question in asked {
        question.await.unwrap();
    }
    assert_eq!(world.pats.counts().0, 20);
    assert_eq!(broker.keys().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_failed_mint_is_shared_and_remembered() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(down()));
    let asked: Vec<_> = (0..1000)
        .map(|_| {
            let broker = broker.clone();
            tokio::spawn(async move { read(&broker).await.unwrap_err().reason })
        })
        .collect();
    for question in asked {
        assert_eq!(question.await.unwrap(), Reason::Unavailable);
    }
    read(&broker).await.unwrap_err();
    assert_eq!(world.pats.counts().0, 1);
    *world.pats.mood.lock().unwrap() = None;
    world.clock.pass(3);
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts().0, 2);
}

#[tokio::test(start_paused = true)]
async fn who_asked_first_may_leave() {
    let world = World::new();
    let broker = world.signed_in().await;
    let first = tokio::spawn({
        let broker = broker.clone();
        async move { read(&broker).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.pats.counts().0, 1);
    first.abort();
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wished_wait_of_the_organisation_holds_for_its_other_keys() {
    let world = World::new();
    let broker = world.signed_in().await;
    let slow = Refusal::new(Reason::Throttled, "slow down", "wait").retry_after(120);
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(Failure::new(FailureKind::Transient, slow)));
    read(&broker).await.unwrap_err();
    *world.pats.mood.lock().unwrap() = None;
    world.clock.pass(119);
    let refusal = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!((refusal.reason, world.pats.counts().0), (Reason::Throttled, 1));
    world.clock.pass(5);
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_key_does_not_serve_reads() {
    let world = World::new();
    let broker = world.signed_in().await;
    let write = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    let read = read(&broker).await.unwrap();
    assert_eq!((write.scope.as_str(), read.scope.as_str()), ("vso.code_write", "vso.code"));
    let scopes: BTreeSet<_> = world.pats.alive().into_iter().map(|key| key.scope).collect();
    assert_eq!(scopes.into_iter().collect::<Vec<_>>(), ["vso.code", "vso.code_write"]);
    assert!(world.pats.alive().iter().all(|key| key.name.starts_with("valetkey laptop git-")));
}

#[tokio::test(start_paused = true)]
async fn the_hourly_limit_refuses_and_says_when() {
    let mut world = World::new();
    world.settings.mints_per_hour = 1;
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    let refusal = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!((refusal.reason, refusal.retry_after), (Reason::Throttled, Some(3601)));
    read(&broker).await.unwrap();
    assert_eq!((world.pats.counts().0, world.trail.count("refused")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_valid_key_is_served_while_everything_is_down() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(down()));
    *world.identity.fails.lock().unwrap() = Some(down());
    world.vault.broken.store(true, Ordering::SeqCst);
    while world.clock.pass_to(key.expires_at - 60) {
        assert_eq!(read(&broker).await.unwrap().state, key.state);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.clock.pass(540);
    read(&broker).await.unwrap();
    world.clock.pass(1);
    read(&broker).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_in_time_even_if_the_mint_is_not() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.takes.lock().unwrap() = Duration::from_secs(60);
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::Unavailable);
    tokio::time::sleep(Duration::from_secs(31)).await;
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts().0, 1);
}
