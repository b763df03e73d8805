//! Refresh tokens: rotation, loss, claims, guests.

use std::{sync::atomic::Ordering, time::Duration};

use valetkey_protocol::{ExposeSecret as _, Operation, Reason, Refusal, SessionState};

use super::fakes::*;
use crate::{Failure, FailureKind, OrganisationTenant};

fn stored(world: &World, name: &str) -> Option<String> {
    world.vault.values.lock().unwrap().get(name).map(|secret| secret.expose_secret().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_new_refresh_token_is_stored_and_the_one_before_is_kept() {
    let world = World::new();
    let broker = world.signed_in().await;
    assert_eq!(stored(&world, "session/alice.home").as_deref(), Some("refresh-0"));
    world.clock.pass(HOUR);
    read(&broker).await.unwrap();
    assert_eq!(stored(&world, "session/alice.home").as_deref(), Some("refresh-100"));
    assert_eq!(stored(&world, "session/alice.home.previous").as_deref(), Some("refresh-0"));
}

#[tokio::test(start_paused = true)]
async fn the_token_before_serves_if_the_new_one_never_worked() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    read(&broker).await.unwrap();
    drop(broker);
    *world.identity.only.lock().unwrap() = Some("refresh-0".to_owned());
    let broker = world.restarted().await;
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    assert_eq!(stored(&world, "session/alice.home").as_deref(), Some("refresh-102"));
    assert_eq!(stored(&world, "session/alice.home.previous").as_deref(), Some("refresh-0"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_write_keeps_the_session_and_says_so() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    world.vault.broken.store(true, Ordering::SeqCst);
    read(&broker).await.unwrap();
    assert!(broker.warnings().iter().any(|line| line.contains("in memory only")), "{:?}", broker.warnings());
    world.vault.broken.store(false, Ordering::SeqCst);
    broker.tend().await;
    assert!(broker.warnings().is_empty());
    assert_eq!(stored(&world, "session/alice.home").as_deref(), Some("refresh-100"));
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_is_asked_once_a_minute() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    for operation in [Operation::Read, Operation::Write, Operation::Read] {
        let refusal = ask(&broker, question("contoso", Some(operation))).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::NeedsLogin);
    }
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(broker.accounts()[0].session, SessionState::Ended);
    *world.identity.fails.lock().unwrap() = None;
    world.clock.pass(61);
    read(&broker).await.unwrap();
    assert_eq!(broker.accounts()[0].session, SessionState::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_leaves_valid_keys_alone() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!(read(&broker).await.unwrap().state, key.state);
}

#[tokio::test(start_paused = true)]
async fn an_access_token_serves_many_mints() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 0, "the one of the sign-in is still good");
    world.clock.pass(HOUR - 300);
    broker.revoke(&valetkey_protocol::KeySelector::All, &crate::Peer::default()).await;
    read(&broker).await.unwrap();
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 1, "not used in its last five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_refreshed_once() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.wants.lock().unwrap() = Some(("access-100".to_owned(), FailureKind::TokenRejected));
    read(&broker).await.unwrap();
    assert_eq!(world.pats.counts().0, 2);
    *world.pats.wants.lock().unwrap() = Some(("never".to_owned(), FailureKind::TokenRejected));
    let refusal = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!((refusal.reason, world.pats.counts().0), (Reason::AccessDenied, 4));
    assert_eq!(broker.to_revoke(), 0);
}

#[tokio::test(start_paused = true)]
async fn claims_are_passed_on_once_and_then_to_the_sign_in() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.wants.lock().unwrap() = Some(("claims".to_owned(), FailureKind::Claims));
    read(&broker).await.unwrap();
    let (_, claims) = world.identity.seen.lock().unwrap().last().cloned().unwrap();
    assert_eq!(claims.as_deref(), Some("{\"nbf\":1}"));
    *world.pats.wants.lock().unwrap() = Some(("never".to_owned(), FailureKind::Claims));
    let refusal = ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsInteraction);
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 2);
    login(&broker, Some("contoso")).await;
    let claims = world.identity.wishes.lock().unwrap().last().cloned().unwrap().claims;
    assert_eq!(claims.as_deref(), Some("{\"nbf\":1}"));
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_wanted_by_the_provider_is_told_and_passed_on() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(interaction());
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsInteraction);
    assert_eq!(broker.accounts()[0].problem.as_ref().unwrap().reason, Reason::NeedsInteraction);
    login(&broker, Some("contoso")).await;
    let wish = world.identity.wishes.lock().unwrap().last().cloned().unwrap();
    assert_eq!(wish.claims.as_deref(), Some("{\"mfa\":1}"));
    assert_eq!(wish.login_hint.as_deref(), Some("alice@contoso.com"));
}

#[tokio::test(start_paused = true)]
async fn a_guest_gets_a_token_of_the_organisations_tenant() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.tenant.lock().unwrap() = OrganisationTenant::Tenant("away".to_owned());
    login(&broker, Some("fabrikam")).await;
    ask(&broker, question("fabrikam", None)).await.unwrap();
    let tenants: Vec<_> =
        world.identity.seen.lock().unwrap().iter().map(|(client, _)| client.tenant.clone()).collect();
    assert_eq!(tenants, ["away"]);
    assert_eq!(broker.accounts().len(), 1);
    assert_eq!(broker.accounts()[0].organisations, ["contoso", "fabrikam"]);
}

#[tokio::test(start_paused = true)]
async fn an_organisation_that_moved_is_asked_for_its_tenant() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.tenant.lock().unwrap() = OrganisationTenant::Tenant("away".to_owned());
    *world.pats.wants.lock().unwrap() = Some(("away".to_owned(), FailureKind::WrongTenant));
    read(&broker).await.unwrap();
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_half_an_hour_is_probed_a_dozen_times() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(down());
    for _ in 0..1800 {
        read(&broker).await.unwrap_err();
        world.clock.pass(1);
    }
    let probes = world.identity.refreshes.load(Ordering::SeqCst);
    assert!((5..=13).contains(&probes), "{probes} probes");
}

#[tokio::test(start_paused = true)]
async fn twenty_keys_share_one_refresh() {
    let world = World::new();
    let broker = world.signed_in().await;
    for number in 0..9 {
        login(&broker, Some(&format!("org{number}"))).await;
    }
    world.clock.pass(HOUR);
    *world.identity.takes.lock().unwrap() = Duration::from_secs(1);
    let asked: Vec<_> = (0..9)
        .map(|number| {
            let broker = broker.clone();
            tokio::spawn(async move { ask(&broker, question(&format!("org{number}"), None)).await.unwrap() })
        })
        .collect();
    for question in asked {
        question.await.unwrap();
    }
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn wherever_the_writes_stop_the_next_start_has_a_session() {
    for writes in 1..12 {
        let world = World::new();
        let broker = world.signed_in().await;
        world.vault.writes_left.store(writes, Ordering::SeqCst);
        for operation in [Operation::Read, Operation::Write, Operation::Read] {
            world.clock.pass(9 * HOUR);
            ask(&broker, question("contoso", Some(operation))).await.unwrap();
        }
        drop(broker);
        world.vault.writes_left.store(0, Ordering::SeqCst);
        world.vault.broken.store(false, Ordering::SeqCst);
        let broker = world.restarted().await;
        world.clock.pass(9 * HOUR);
        read(&broker).await.unwrap();
        broker.tend().await;
        assert_eq!(broker.to_revoke(), 0, "after {writes} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_questions_in_a_hundred_minutes_cost_a_handful_of_requests() {
    let blocked = || {
        let refusal = Refusal::new(Reason::BlockedByPolicy, "a policy blocks the sign-in", "ask for help");
        Failure::new(FailureKind::Final, refusal)
    };
    for failure in [ended(), interaction(), blocked()] {
        let world = World::new();
        let broker = world.signed_in().await;
        world.clock.pass(HOUR);
        *world.identity.fails.lock().unwrap() = Some(failure.clone());
        for _ in 0..100 {
            let refusal = read(&broker).await.unwrap_err();
            assert_eq!(refusal.reason, failure.refusal.reason);
            world.clock.pass(60);
        }
        let asked = world.identity.refreshes.load(Ordering::SeqCst);
        assert!((3..=8).contains(&asked), "{:?}: {asked} requests", failure.kind);
        *world.identity.fails.lock().unwrap() = None;
        world.clock.pass(HOUR + 60);
        read(&broker).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn beside_keys_that_work_a_person_is_told_once_an_hour_what_is_wrong() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap_err();
    let person = crate::Peer { is_read: true, ..crate::Peer::default() };
    let told = async |peer: &crate::Peer| match broker
        .get(question("contoso", Some(Operation::Read)), peer.clone())
        .await
    {
        valetkey_protocol::Answer::Credential(key) => key.notice,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&crate::Peer::default()).await, None, "nobody reads it there");
    let notice = told(&person).await.unwrap();
    assert_eq!(notice.sentence, "the session has ended; this key works for 7 h 0 min more");
    assert_eq!(notice.hint, "run `valetkey login contoso --account alice@contoso.com`");
    for _ in 0..100 {
        assert_eq!(told(&person).await, None);
    }
    world.clock.pass(HOUR);
    assert!(told(&person).await.is_some());
    *world.identity.fails.lock().unwrap() = None;
    login(&broker, Some("contoso")).await;
    assert_eq!(told(&person).await, None);
}
