//! Refused keys and hints that a key was refused.

use valetkey_protocol::{EraseRequest, Operation, Reason, SecretString};

use super::fakes::*;
use crate::Peer;

#[tokio::test(start_paused = true)]
async fn a_read_key_refused_without_a_word_becomes_a_write_key() {
    let world = World::new();
    let broker = world.signed_in().await;
    let mut first = question("contoso", None);
    first.can_retry = true;
    first.caller = Some(valetkey_protocol::Caller { pid: 9, started: 1 });
    let key = ask(&broker, first).await.unwrap();
    assert_eq!((key.scope.as_str(), key.may_retry), ("vso.code", true));
    let wider = ask(&broker, again(question("contoso", None), &key, 9)).await.unwrap();
    assert_eq!((wider.scope.as_str(), wider.may_retry), ("vso.code_write", false));
    broker.tend().await;
    assert_eq!(world.pats.counts(), (2, 0), "the read key lives on");
}

#[tokio::test(start_paused = true)]
async fn a_read_stays_a_read_where_it_is_known_or_writing_is_not_allowed() {
    let mut world = World::new();
    world.settings.allow_write = false;
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    for (pid, operation) in [(1, Some(Operation::Read)), (2, None)] {
        let healed = ask(&broker, again(question("contoso", operation), &key, pid)).await.unwrap();
        assert_eq!(healed.scope, "vso.code");
    }
    let refusal = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::OperationNotAllowed);
}

#[tokio::test(start_paused = true)]
async fn a_dead_key_is_replaced_once_and_revoked() {
    let world = World::new();
    let broker = world.signed_in().await;
    let dead = read(&broker).await.unwrap();
    let ask_again = |pid| ask(&broker, again(question("contoso", Some(Operation::Read)), &dead, pid));
    let healed = ask_again(1).await.unwrap();
    assert_ne!(healed.state, dead.state);
    assert!(healed.fresh && healed.may_retry);
    assert_eq!(ask_again(2).await.unwrap().state, healed.state, "others get the one that was minted");
    broker.tend().await;
    assert_eq!(world.pats.counts(), (2, 1));
    let question = again(question("contoso", Some(Operation::Read)), &healed, 1);
    let refusal = ask(&broker, question.clone()).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::AccessDenied);
    world.clock.pass(31);
    let third = ask(&broker, question.clone()).await.unwrap();
    assert!(!third.may_retry);
    world.clock.pass(31);
    let refusal = ask(&broker, question).await.unwrap_err();
    assert!(refusal.sentence.contains("3 keys in a row"), "{}", refusal.sentence);
    assert_eq!(world.pats.counts().0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_key_of_a_dead_session_is_replaced_once_somebody_signs_in() {
    let world = World::new();
    let broker = world.signed_in().await;
    let dead = read(&broker).await.unwrap();
    let ask_again = |pid| ask(&broker, again(question("contoso", Some(Operation::Read)), &dead, pid));
    world.clock.pass(2 * 3600);
    *world.identity.fails.lock().unwrap() = Some(ended());
    for pid in 1..=3 {
        assert_eq!(ask_again(pid).await.unwrap_err().reason, Reason::NeedsLogin, "asked {pid} times");
    }
    *world.identity.fails.lock().unwrap() = None;
    assert!(matches!(login(&broker, Some("contoso")).await, valetkey_protocol::Answer::SignedIn { .. }));
    assert_ne!(ask_again(4).await.unwrap().state, dead.state);
}

#[tokio::test(start_paused = true)]
async fn many_who_were_refused_the_same_key_share_one_new_one() {
    let world = World::new();
    let broker = world.signed_in().await;
    let dead = read(&broker).await.unwrap();
    let asked: Vec<_> = (0..200)
        .map(|pid| {
            let (broker, dead) = (broker.clone(), dead.clone());
            tokio::spawn(async move {
                ask(&broker, again(question("contoso", Some(Operation::Read)), &dead, pid))
                    .await
                    .unwrap()
                    .state
            })
        })
        .collect();
    let mut states = std::collections::BTreeSet::new();
    for question in asked {
        states.insert(question.await.unwrap());
    }
    assert_eq!((states.len(), world.pats.counts().0), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_erases_cost_one_key_in_half_a_minute() {
    let world = World::new();
    let broker = world.signed_in().await;
    let mut key = read(&broker).await.unwrap();
    for _ in 0..100 {
        let target = question("contoso", None).target;
        broker.erase(&EraseRequest { target, secret: key.password.clone() }, &Peer::default());
        key = read(&broker).await.unwrap();
    }
    assert_eq!(world.pats.counts().0, 2);
    world.clock.pass(30);
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts().0, 3);
}

#[tokio::test(start_paused = true)]
async fn an_erase_of_anything_else_changes_nothing() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    let target = question("contoso", None).target;
    broker
        .erase(&EraseRequest { target: target.clone(), secret: SecretString::from("old") }, &Peer::default());
    let foreign = valetkey_protocol::Target { host: "github.com".to_owned(), ..target };
    broker.erase(&EraseRequest { target: foreign, secret: key.password.clone() }, &Peer::default());
    assert_eq!(read(&broker).await.unwrap().state, key.state);
    assert_eq!(world.pats.counts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_suspect_key_is_better_than_none() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    let target = question("contoso", None).target;
    broker.erase(&EraseRequest { target, secret: key.password.clone() }, &Peer::default());
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(down()));
    assert_eq!(read(&broker).await.unwrap().state, key.state);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_no_key_to_replace() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    let mut question = question("contoso", None);
    question.refused = Some("of-another-time".to_owned());
    assert_eq!(ask(&broker, question).await.unwrap().state, key.state);
}
