//! What is left where a client, the agent or an answer ends in between.

use valetkey_protocol::{PatHeld, PatSettled};

use super::{super::fakes::*, GONE, create, here, names, plant, regenerate, settle, take};

#[tokio::test(start_paused = true)]
async fn one_whose_client_ended_is_revoked_taken_or_not() {
    for taken in [false, true] {
        let world = World::new();
        let broker = world.signed_in().await;
        let made = create(&broker, None, GONE).await.unwrap();
        if taken {
            take(&broker, &made).await.unwrap();
        }
        broker.tend().await;
        assert!(names(&world).is_empty(), "taken: {taken}");
        assert_eq!(broker.to_revoke(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn ended_before_the_value_was_taken_the_old_one_stays() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    regenerate(&broker, "old", None, Some(here())).await.unwrap();
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!(
        world.pats.keys.lock().unwrap().keys().collect::<Vec<_>>(),
        ["old"],
        "the value died with the agent"
    );
    assert_eq!(broker.to_revoke(), 0);
}

#[tokio::test(start_paused = true)]
async fn ended_while_the_value_was_on_its_way_both_live_until_the_next_run_replaces_both() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let first = regenerate(&broker, "old", None, GONE).await.unwrap();
    take(&broker, &first).await.unwrap();
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!((names(&world).len(), broker.to_revoke()), (2, 0));
    assert!(broker.warnings()[0].contains("regenerating the token `deploy`"), "{:?}", broker.warnings());
    // By either of the two.
    for id in ["old", first.pat.id.as_str()] {
        let again = regenerate(&broker, id, None, GONE).await.unwrap();
        take(&broker, &again).await.unwrap();
        assert!(matches!(&again.pat.held, PatHeld::Unsettled { replaces } if replaces.len() >= 2));
    }
    let last = regenerate(&broker, "old", None, Some(here())).await.unwrap();
    take(&broker, &last).await.unwrap();
    assert_eq!(settle(&broker, &last, true).await.unwrap().revoked, 4);
    assert_eq!(world.pats.keys.lock().unwrap().keys().collect::<Vec<_>>(), [&last.pat.id]);
    assert_eq!((names(&world), broker.warnings().len()), (vec!["deploy".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn ended_before_the_old_one_was_revoked_the_next_start_revokes_it() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let made = regenerate(&broker, "old", None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    *world.pats.revoke_fails.lock().unwrap() = Some(down());
    let settled = settle(&broker, &made, true).await.unwrap();
    assert_eq!((settled.revoked, settled.pending), (0, 1));
    assert_eq!((names(&world).len(), broker.to_revoke()), (2, 1));
    *world.pats.revoke_fails.lock().unwrap() = None;
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!((names(&world), broker.to_revoke()), (vec!["deploy".to_owned()], 0));
    assert_eq!(
        settle(&broker, &made, true).await.unwrap(),
        PatSettled::default(),
        "asked again after the crash"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_the_new_one_and_not_the_old_one() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    *world.pats.mood.lock().unwrap() = Some(Mood::LoseAnswer);
    regenerate(&broker, "old", None, Some(here())).await.unwrap_err();
    assert_eq!(names(&world).len(), 2);
    *world.pats.mood.lock().unwrap() = None;
    world.clock.pass(10);
    broker.tend().await;
    assert_eq!(world.pats.keys.lock().unwrap().keys().collect::<Vec<_>>(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_one_that_was_renamed_around_its_nonce_is_found() {
    let world = World::new();
    let broker = world.signed_in().await;
    *world.pats.mood.lock().unwrap() = Some(Mood::LoseAnswer);
    create(&broker, None, Some(here())).await.unwrap_err();
    *world.pats.mood.lock().unwrap() = None;
    world
        .pats
        .keys
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|key| key.name = format!("what is ({})?", key.name));
    world.clock.pass(10);
    broker.tend().await;
    assert!(names(&world).is_empty());
}
