//! A key's life: restart, renewal, clocks, clamped ends.

use std::{sync::atomic::Ordering, time::Duration};

use valetkey_protocol::Reason;

use super::fakes::*;

async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_survive_a_restart() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!(read(&broker).await.unwrap().state, key.state);
    assert_eq!(world.pats.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_question_right_after_a_start_waits_for_the_vault_and_not_for_a_mint() {
    let world = World::new();
    let key = read(&world.signed_in().await).await.unwrap();
    let broker = world.broker();
    broker.start().await;
    assert_eq!(read(&broker).await.unwrap().state, key.state);
    assert_eq!(world.pats.counts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_comes_back_gives_its_keys_back() {
    let world = World::new();
    let key = read(&world.signed_in().await).await.unwrap();
    world.vault.broken.store(true, Ordering::SeqCst);
    let broker = world.restarted().await;
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::VaultUnavailable);
    assert_eq!(broker.to_revoke(), 0, "not known to be lost");
    world.vault.broken.store(false, Ordering::SeqCst);
    broker.tend().await;
    assert_eq!(read(&broker).await.unwrap().state, key.state);
    assert_eq!(world.pats.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn renewal_ahead_happens_in_the_background_and_spares_the_old_key_for_a_while() {
    let world = World::new();
    let broker = world.signed_in().await;
    let old = read(&broker).await.unwrap();
    world.clock.pass(8 * HOUR - 1799);
    assert_eq!(read(&broker).await.unwrap().state, old.state);
    settle().await;
    let new = read(&broker).await.unwrap();
    assert_ne!(new.state, old.state);
    assert_eq!(new.expires_at, START + 16 * HOUR - 1799);
    broker.tend().await;
    assert_eq!(world.pats.alive().len(), 2, "a clone may still use it");
    world.clock.pass(600);
    broker.tend().await;
    assert_eq!((world.pats.alive().len(), world.pats.counts()), (1, (2, 1)));
}

#[tokio::test(start_paused = true)]
async fn an_unused_key_is_not_renewed_and_is_struck_off_at_its_end() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(8 * HOUR + 60);
    broker.tend().await;
    assert_eq!(world.pats.counts(), (1, 0), "what ends by itself is not revoked");
    world.clock.pass(HOUR);
    broker.tend().await;
    assert_eq!((broker.keys().len(), broker.to_revoke(), world.pats.counts()), (0, 0, (1, 0)));
    assert!(!world.vault.names().iter().any(|name| name.starts_with("key/")), "{:?}", world.vault.names());
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_is_not_hammered() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(8 * HOUR - 1000);
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(down()));
    for _ in 0..50 {
        read(&broker).await.unwrap();
        settle().await;
    }
    assert_eq!(world.pats.counts().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_life_cut_short_by_the_service_makes_no_loop() {
    let world = World::new();
    world.pats.longest.store(300, Ordering::SeqCst);
    let broker = world.signed_in().await;
    for _ in 0..100 {
        let key = read(&broker).await.unwrap();
        assert_eq!(key.expires_at, START + 300);
        settle().await;
    }
    assert_eq!(world.pats.counts().0, 1);
    world.pats.longest.store(30, Ordering::SeqCst);
    world.clock.pass(300);
    for _ in 0..100 {
        assert_eq!(read(&broker).await.unwrap_err().reason, Reason::Configuration);
    }
    assert_eq!(world.pats.counts().0, 2);
    world.clock.pass(400);
    broker.tend().await;
    assert_eq!(broker.to_revoke(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_dead_key_after_sleep_and_no_storm_after_a_set_clock() {
    let world = World::new();
    let broker = world.signed_in().await;
    let first = read(&broker).await.unwrap();
    world.clock.set_wall(START + 12 * HOUR);
    let second = read(&broker).await.unwrap();
    assert_ne!(second.state, first.state);
    world.clock.set_wall(START + 4 * HOUR);
    for _ in 0..100 {
        assert_eq!(read(&broker).await.unwrap().state, second.state);
    }
    world.clock.set_wall(START + 400 * 24 * HOUR);
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts().0, 3);
}
