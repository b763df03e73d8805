//! Made or replaced, given to the person, and named as the person wants.

use std::sync::atomic::Ordering;

use valetkey_protocol::{ExposeSecret as _, PatHeld, PatRequest, PatSettled, Reason};

use super::{super::fakes::*, asked, create, here, list, names, plant, regenerate, settle, take};

#[tokio::test(start_paused = true)]
async fn a_token_is_made_taken_once_and_then_the_persons_own() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, None, Some(here())).await.unwrap();
    assert_eq!((made.pat.name.as_str(), made.asked_until), ("ci", START + 24 * HOUR));
    let value = take(&broker, &made).await.unwrap();
    assert!(value.secret.expose_secret().starts_with("pat-"));
    assert_eq!(take(&broker, &made).await.unwrap_err().reason, Reason::BadRequest);
    assert_eq!(settle(&broker, &made, true).await.unwrap(), PatSettled::default());
    assert_eq!(names(&world), ["ci"], "the nonce has gone from the name");
    assert_eq!(settle(&broker, &made, true).await.unwrap(), PatSettled::default(), "asked a second time");
    assert!(settle(&broker, &made, false).await.is_err());
    let broker = world.restarted().await;
    assert_eq!((names(&world), broker.to_revoke()), (vec!["ci".to_owned()], 0));
    assert_eq!(list(&broker).await[0].held, PatHeld::No);
    assert_eq!(world.trail.count("pat-delivered"), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_did_not_reach_its_place_is_revoked() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    assert_eq!(settle(&broker, &made, false).await.unwrap().revoked, 1);
    assert!(names(&world).is_empty());
    assert!(settle(&broker, &made, true).await.is_err(), "it cannot be given any more");
}

#[tokio::test(start_paused = true)]
async fn the_old_one_dies_when_the_new_one_is_in_its_place_and_not_before() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let made = regenerate(&broker, "old", None, Some(here())).await.unwrap();
    assert_eq!(made.pat.expires_at, START + HOUR, "as long as the old one was to live");
    assert_eq!(made.pat.scope, "vso.build");
    take(&broker, &made).await.unwrap();
    broker.tend().await;
    assert_eq!(names(&world).len(), 2);
    assert_eq!(regenerate(&broker, "old", None, Some(here())).await.unwrap_err().reason, Reason::Busy);
    let settled = settle(&broker, &made, true).await.unwrap();
    assert_eq!((settled.revoked, settled.pending), (1, 0));
    assert_eq!(names(&world), ["deploy"]);
    assert!(!world.pats.keys.lock().unwrap().contains_key("old"));
}

#[tokio::test(start_paused = true)]
async fn one_that_was_revoked_here_is_not_regenerated() {
    let world = World::new();
    let broker = world.signed_in().await;
    for id in ["replaced", "revoked"] {
        plant(&world, id, "deploy");
    }
    let made = regenerate(&broker, "replaced", None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    settle(&broker, &made, true).await.unwrap();
    asked(&broker, PatRequest::Revoke { organisation: None, id: "revoked".to_owned() }).await.unwrap();
    for id in ["replaced", "revoked"] {
        // The service tells of dead tokens as of others, and a second run may have found this one before it died.
        plant(&world, id, "deploy");
        let refusal = regenerate(&broker, id, None, Some(here())).await.unwrap_err();
        assert!(refusal.sentence.contains("no personal access token"), "{refusal:?}");
    }
    assert_eq!(names(&world).len(), 3, "the planted ones, and the one that was made");
}

#[tokio::test(start_paused = true)]
async fn a_new_one_that_was_not_delivered_leaves_the_old_one() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let made = regenerate(&broker, "old", None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    assert_eq!(settle(&broker, &made, false).await.unwrap().revoked, 1);
    assert_eq!(world.pats.keys.lock().unwrap().keys().collect::<Vec<_>>(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_person_gave_meanwhile_stays_and_nothing_loops() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    world.pats.keys.lock().unwrap().get_mut(&made.pat.id).unwrap().name = "mine".to_owned();
    settle(&broker, &made, true).await.unwrap();
    assert_eq!(names(&world), ["mine"]);
    let kept = create(&broker, Some("k"), Some(here())).await.unwrap();
    world.pats.keys.lock().unwrap().remove(&kept.pat.id);
    broker.tend().await;
    broker.tend().await;
    let lists = world.pats.lists.load(Ordering::SeqCst);
    broker.tend().await;
    assert_eq!(
        world.pats.lists.load(Ordering::SeqCst),
        lists,
        "revoked from outside, and looked for no more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_fails_for_now_is_done_later() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    *world.pats.update_fails.lock().unwrap() = Some(down());
    settle(&broker, &made, true).await.unwrap();
    assert_ne!(names(&world), ["ci"]);
    *world.pats.update_fails.lock().unwrap() = None;
    world.clock.pass(20);
    broker.tend().await;
    assert_eq!(names(&world), ["ci"]);
}
