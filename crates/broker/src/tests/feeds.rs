//! Keys for feeds of Azure Artifacts, asked for the way NuGet does.

use std::sync::atomic::Ordering;

use valetkey_protocol::{Credential, EraseRequest, Operation, Reason};

use super::fakes::*;
use crate::Peer;

/// A broker with Alice signed in for both organisations.
async fn two_organisations(world: &World) -> std::sync::Arc<crate::Broker> {
    let broker = world.signed_in().await;
    login(&broker, Some("fabrikam")).await;
    world.pats.lists.store(0, Ordering::SeqCst);
    broker
}

/// Someone revoked every key on the site.
fn kill(world: &World) {
    world.pats.keys.lock().unwrap().clear();
}

#[tokio::test(start_paused = true)]
async fn a_restore_of_twenty_projects_mints_once_an_organisation() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let asked: Vec<_> = (0..40)
        .map(|project| {
            let broker = broker.clone();
            let organisation = ["contoso", "fabrikam"][project % 2];
            tokio::spawn(async move {
                let first = ask(&broker, restore(organisation, None)).await.unwrap();
                // The other organisation's key was shown to this address: nothing is wrong with this one.
                let second = ask(&broker, restore(organisation, Some(&first))).await.unwrap();
                assert_eq!((&second.state, &second.scope), (&first.state, &"vso.packaging".to_owned()));
                assert!(!second.fresh && !second.may_retry);
            })
        })
        .collect();
    for project in asked {
        project.await.unwrap();
    }
    assert_eq!((world.pats.counts(), world.pats.lists.load(Ordering::SeqCst)), ((2, 0), 2));
    assert_eq!(world.trail.count("minted"), 2);
    assert!(broker.keys().iter().all(|key| key.display_name.contains(" nuget-read ")));
}

#[tokio::test(start_paused = true)]
async fn a_push_has_a_key_of_its_own_and_a_restore_never_gets_it() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let mut push = restore("contoso", None);
    push.operation = Some(Operation::Write);
    let write = ask(&broker, push.clone()).await.unwrap();
    assert_eq!(write.scope, "vso.packaging_write");
    for operation in [None, Some(Operation::Read)] {
        let mut question = restore("contoso", Some(&write));
        question.operation = operation;
        assert_eq!(ask(&broker, question).await.unwrap().scope, "vso.packaging");
    }
    let read = ask(&broker, restore("contoso", None)).await.unwrap();
    let mut unsaid = restore("contoso", Some(&read));
    unsaid.operation = None;
    assert_eq!(ask(&broker, unsaid).await.unwrap().scope, "vso.packaging", "a refusal widens nothing");
    let git = ask(&broker, question("contoso", None)).await.unwrap();
    assert_eq!(git.scope, "vso.code");
    assert_eq!(world.pats.counts().0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_died_mid_restore_is_replaced_once() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let dead = ask(&broker, restore("contoso", None)).await.unwrap();
    kill(&world);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (broker, dead) = (broker.clone(), dead.clone());
            tokio::spawn(async move { ask(&broker, restore("contoso", Some(&dead))).await.unwrap() })
        })
        .collect();
    for project in asked {
        let healed = project.await.unwrap();
        assert!(healed.state != dead.state && healed.fresh);
    }
    assert_eq!(world.pats.counts().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_dies_soon_after_a_false_alarm_is_replaced() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let key = ask(&broker, restore("contoso", None)).await.unwrap();
    assert_eq!(ask(&broker, restore("contoso", Some(&key))).await.unwrap().state, key.state);
    kill(&world);
    assert_ne!(ask(&broker, restore("contoso", Some(&key))).await.unwrap().state, key.state);
}

#[tokio::test(start_paused = true)]
async fn keys_that_keep_dying_cost_one_in_half_a_minute() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let mut key = ask(&broker, restore("contoso", None)).await.unwrap();
    kill(&world);
    key = ask(&broker, restore("contoso", Some(&key))).await.unwrap();
    for _ in 0..10 {
        kill(&world);
        world.clock.pass(2);
        let refusal = ask(&broker, restore("contoso", Some(&key))).await.unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.hint.as_str()),
            (Reason::AccessDenied, "check that your account may use this feed")
        );
    }
    assert_eq!(world.pats.counts().0, 2);
    world.clock.pass(30);
    ask(&broker, restore("contoso", Some(&key))).await.unwrap();
    assert_eq!(world.pats.counts().0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_push_that_is_not_allowed_mints_nothing_however_often_it_asks() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let mut push = restore("contoso", None);
    push.operation = Some(Operation::Write);
    let key = ask(&broker, push.clone()).await.unwrap();
    push.refused = Some(key.state.clone());
    for _ in 0..20 {
        world.clock.pass(40);
        assert_eq!(ask(&broker, push.clone()).await.unwrap().state, key.state);
    }
    assert_eq!(world.pats.counts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn where_the_service_cannot_be_asked_the_key_is_trusted_once() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let key = ask(&broker, restore("contoso", None)).await.unwrap();
    *world.pats.list_fails.lock().unwrap() = Some(ended());
    assert_eq!(ask(&broker, restore("contoso", Some(&key))).await.unwrap().state, key.state);
    world.clock.pass(1);
    let refusal = ask(&broker, restore("contoso", Some(&key))).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsLogin);
    assert_eq!(ask(&broker, restore("contoso", None)).await.unwrap().state, key.state);
    assert_eq!(world.pats.counts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn another_organisations_address_says_nothing_of_a_key() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let contoso = ask(&broker, restore("contoso", None)).await.unwrap();
    let fabrikam = ask(&broker, restore("fabrikam", Some(&contoso))).await.unwrap();
    assert_eq!(fabrikam.organisation, "fabrikam");
    let erase = |target, key: &Credential| EraseRequest { target, secret: key.password.clone() };
    broker.erase(&erase(restore("fabrikam", None).target, &contoso), &Peer::default());
    broker.erase(&erase(question("contoso", None).target, &contoso), &Peer::default());
    assert_eq!(ask(&broker, restore("contoso", None)).await.unwrap().state, contoso.state);
    assert_eq!((world.trail.count("suspected"), world.pats.lists.load(Ordering::SeqCst)), (0, 0));
    broker.erase(&erase(restore("contoso", None).target, &contoso), &Peer::default());
    assert_ne!(ask(&broker, restore("contoso", None)).await.unwrap().state, contoso.state);
}

#[tokio::test(start_paused = true)]
async fn a_feed_of_an_organisation_nobody_signed_in_for_gets_nothing() {
    let world = World::new();
    let broker = world.signed_in().await;
    let refusal = ask(&broker, restore("evil", None)).await.unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.hint.as_str()),
        (Reason::OrganisationNotAllowed, "run `valetkey login evil`")
    );
    assert_eq!(world.pats.counts().0, 0);
}

#[tokio::test(start_paused = true)]
async fn keys_of_feeds_survive_a_restart_and_die_with_the_session() {
    let world = World::new();
    let broker = two_organisations(&world).await;
    let key = ask(&broker, restore("contoso", None)).await.unwrap();
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!(ask(&broker, restore("contoso", None)).await.unwrap().state, key.state);
    broker.logout(&valetkey_protocol::LogoutRequest::default(), &Peer::default()).await;
    assert!(world.pats.alive().is_empty());
}
