//! Whatever the moment a broker ends at, the next start leaves no key alive that nobody holds.

use std::sync::atomic::Ordering;

use valetkey_protocol::Reason;

use super::fakes::*;
use crate::{
    Failure, FailureKind,
    ledger::{Entry, Ledger, State},
};

fn ledger_text(world: &World) -> String {
    std::fs::read_to_string(world.folder.path().join("ledger")).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_its_nonce_and_revoked() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.mood.lock().unwrap() = Some(Mood::LoseAnswer);
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::Unavailable);
    assert_eq!(world.pats.alive().len(), 1);
    *world.pats.mood.lock().unwrap() = None;
    broker.tend().await;
    assert_eq!(world.pats.alive().len(), 1, "not looked for at once");
    world.clock.pass(10);
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), broker.to_revoke()), (0, 0));
    read(&broker).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ended_between_the_ledger_and_the_answer() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.mood.lock().unwrap() = Some(Mood::LoseAnswer);
    read(&broker).await.unwrap_err();
    drop(broker);
    *world.pats.mood.lock().unwrap() = None;
    let broker = world.restarted().await;
    assert_eq!((world.pats.alive().len(), broker.to_revoke()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn ended_before_anything_was_asked_for() {
    let world = World::new();
    drop(world.signed_in().await);
    let entry = lost_entry("00ff00ff00ff00ff00ff");
    Ledger::at(world.folder.path().join("ledger")).begin(entry).unwrap();
    let broker = world.restarted().await;
    assert_eq!(broker.to_revoke(), 1, "the list may lag behind");
    world.clock.pass(901);
    broker.tend().await;
    assert_eq!(broker.to_revoke(), 0);
}

/// What a sign-out tells: keys that are dead, that could not be revoked, and that are looked for.
async fn signed_out(broker: &crate::Broker) -> (u32, u32, u32) {
    let everybody = valetkey_protocol::LogoutRequest { account: None };
    match broker.logout(&everybody, &crate::Peer::default()).await {
        valetkey_protocol::Answer::Revoked(went) => (went.revoked, went.pending, went.sought),
        other => panic!("{other:?}"),
    }
}

async fn restarted_with_a_lost_entry(world: &World, nonce: &str) -> std::sync::Arc<crate::Broker> {
    drop(world.signed_in().await);
    Ledger::at(world.folder.path().join("ledger")).begin(lost_entry(nonce)).unwrap();
    world.restarted().await
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_does_not_fail_for_a_key_that_never_was() {
    let world = World::new();
    let broker = restarted_with_a_lost_entry(&world, "00ff00ff00ff00ff00ff").await;
    assert_eq!(signed_out(&broker).await, (0, 0, 1));
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsLogin);
    // Another agent goes on looking, and forgets the session when the list can be believed.
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!((broker.to_revoke(), world.vault.names().is_empty()), (1, false));
    world.clock.pass(901);
    broker.tend().await;
    assert_eq!((broker.to_revoke(), broker.accounts().len(), world.vault.names().len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_listed_after_the_sign_out_is_revoked_all_the_same() {
    let world = World::new();
    let nonce = "00ff00ff00ff00ff00ff";
    let broker = restarted_with_a_lost_entry(&world, nonce).await;
    assert_eq!(signed_out(&broker).await, (0, 0, 1));
    let late = Alive {
        organisation: "contoso".to_owned(),
        scope: "vso.code".to_owned(),
        name: lost_entry(nonce).name,
        valid_to: START + 8 * HOUR,
    };
    world.pats.keys.lock().unwrap().insert("late".to_owned(), late);
    world.clock.pass(60);
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), broker.to_revoke(), broker.accounts().len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_long_after_counts_no_key_that_never_was() {
    let world = World::new();
    let broker = restarted_with_a_lost_entry(&world, "00ff00ff00ff00ff00ff").await;
    world.clock.pass(901);
    assert_eq!(signed_out(&broker).await, (0, 0, 0));
    assert_eq!((broker.to_revoke(), broker.accounts().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_key_that_is_there_and_cannot_be_revoked_is_a_failure() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.mood.lock().unwrap() = Some(Mood::LoseAnswer);
    read(&broker).await.unwrap_err();
    *world.pats.mood.lock().unwrap() = None;
    *world.pats.revoke_fails.lock().unwrap() = Some(down());
    assert_eq!(signed_out(&broker).await, (0, 1, 0));
    *world.pats.revoke_fails.lock().unwrap() = None;
    world.clock.pass(60);
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), broker.accounts().len()), (0, 0));
}

fn lost_entry(nonce: &str) -> Entry {
    Entry {
        nonce: nonce.to_owned(),
        state: State::Posting,
        account: "alice.home".to_owned(),
        organisation: "contoso".to_owned(),
        scope: "vso.code".to_owned(),
        name: format!("valetkey laptop git-read {nonce}"),
        service: "vssps.dev.azure.com".to_owned(),
        created_at: START,
        valid_to: START + 8 * HOUR,
        authorization_id: None,
        person: None,
    }
}

#[tokio::test(start_paused = true)]
async fn ended_before_the_value_was_stored() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.vault.broken.store(true, Ordering::SeqCst);
    read(&broker).await.unwrap();
    drop(broker);
    world.vault.broken.store(false, Ordering::SeqCst);
    let broker = world.restarted().await;
    assert_eq!((world.pats.alive().len(), broker.keys().len(), broker.to_revoke()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn ended_before_the_delete_and_after_it() {
    let world = World::new();
    let broker = world.signed_in().await;
    let dead = read(&broker).await.unwrap();
    *world.pats.revoke_fails.lock().unwrap() = Some(down());
    let question = again(question("contoso", Some(valetkey_protocol::Operation::Read)), &dead, 1);
    ask(&broker, question).await.unwrap();
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), broker.to_revoke()), (2, 1));
    let before = ledger_text(&world);
    drop(broker);
    *world.pats.revoke_fails.lock().unwrap() = None;
    let broker = world.restarted().await;
    assert_eq!((world.pats.alive().len(), broker.keys().len(), broker.to_revoke()), (1, 1, 0));
    drop(broker);
    // The DELETE was done and the line that says so was lost.
    std::fs::write(world.folder.path().join("ledger"), before).unwrap();
    let broker = world.restarted().await;
    assert_eq!((world.pats.alive().len(), broker.keys().len(), broker.to_revoke()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_delete_is_tried_again_later() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    *world.pats.revoke_fails.lock().unwrap() = Some(Failure::new(FailureKind::Final, down().refusal));
    let all = valetkey_protocol::KeySelector::All;
    let valetkey_protocol::Answer::Revoked(went) = broker.revoke(&all, &crate::Peer::default()).await else {
        panic!("not revoked")
    };
    assert_eq!((went.revoked, went.pending), (0, 1));
    *world.pats.revoke_fails.lock().unwrap() = None;
    broker.tend().await;
    assert_eq!(world.pats.alive().len(), 1, "too early");
    world.clock.pass(15);
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), broker.to_revoke()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn keys_of_other_machines_and_people_are_not_touched() {
    let world = World::new();
    let broker = world.signed_in().await;
    let mut others = lost_entry("aaaaaaaaaaaaaaaaaaaa");
    others.name = "valetkey desktop git-read bbbbbbbbbbbbbbbbbbbb".to_owned();
    let alive = |name: &str| Alive {
        organisation: "contoso".to_owned(),
        scope: "vso.code".to_owned(),
        name: name.to_owned(),
        valid_to: START + HOUR,
    };
    {
        let mut keys = world.pats.keys.lock().unwrap();
        keys.insert("x".to_owned(), alive(&others.name));
        keys.insert("y".to_owned(), alive("my own key"));
        keys.insert("z".to_owned(), alive("valetkey laptop git-read aaaaaaaaaaaaaaaaaaaa0"));
    }
    drop(broker);
    Ledger::at(world.folder.path().join("ledger")).begin(others).unwrap();
    let broker = world.restarted().await;
    read(&broker).await.unwrap();
    broker.revoke(&valetkey_protocol::KeySelector::All, &crate::Peer::default()).await;
    assert_eq!(world.pats.alive().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_key_without_a_ledger() {
    let world = World::new();
    let broker = world.signed_in().await;
    std::fs::create_dir(world.folder.path().join("ledger")).unwrap();
    let refusal = read(&broker).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::Configuration);
    assert!(refusal.sentence.contains("without it no key is minted"), "{}", refusal.sentence);
    assert_eq!(world.pats.counts().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_definite_failure_leaves_nothing_open() {
    let world = World::new();
    let broker = world.signed_in().await;
    let forbidden = valetkey_protocol::Refusal::new(Reason::KeyForbidden, "not here", "ask");
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(Failure::new(FailureKind::Final, forbidden)));
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::KeyForbidden);
    assert_eq!(broker.to_revoke(), 0);
    assert!(ledger_text(&world).contains("\"void\""));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_written_before_the_key_is_asked_for() {
    let world = World::new();
    let broker = world.signed_in().await;
    let asking = tokio::spawn({
        let broker = broker.clone();
        async move { read(&broker).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(world.pats.counts().0, 1);
    assert!(world.pats.alive().is_empty());
    let text = ledger_text(&world);
    assert!(text.contains("\"posting\"") && !text.contains("\"minted\""), "{text}");
    asking.await.unwrap().unwrap();
    assert!(ledger_text(&world).contains("\"minted\""));
    assert!(!ledger_text(&world).contains("pat-"), "no value on the ledger");
}
