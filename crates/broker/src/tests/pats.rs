//! Tokens of the person: made, replaced, kept, and what is left whatever the moment something ends at.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{
    Answer, Caller, ExposeSecret as _, NewPat, PatChange, PatHeld, PatList, PatMade, PatRequest, PatSettled,
    PatValue, Pats, Reason, Refusal, RegeneratePat,
};

use super::fakes::*;
use crate::{Broker, Peer};

/// A process that has ended: no system gives out an id as large.
const GONE: Option<Caller> = Some(Caller { pid: u32::MAX, started: 0 });

fn here() -> Caller {
    Caller { pid: std::process::id(), started: 0 }
}

async fn asked(broker: &Arc<Broker>, request: PatRequest) -> Result<Answer, Refusal> {
    match broker.pat(request, &Peer::default()).await {
        Answer::Refused(refusal) => Err(refusal),
        answer => Ok(answer),
    }
}

async fn create(
    broker: &Arc<Broker>,
    keep: Option<&str>,
    caller: Option<Caller>,
) -> Result<PatMade, Refusal> {
    let new = NewPat {
        organisation: None,
        name: "ci".to_owned(),
        scope: "vso.build".to_owned(),
        expires_at: START + 24 * HOUR,
        keep: keep.map(str::to_owned),
        caller,
    };
    match asked(broker, PatRequest::Create(new)).await? {
        Answer::PatMade(made) => Ok(made),
        other => panic!("{other:?}"),
    }
}

async fn regenerate(
    broker: &Arc<Broker>,
    id: &str,
    keep: Option<&str>,
    caller: Option<Caller>,
) -> Result<PatMade, Refusal> {
    let wish = RegeneratePat {
        organisation: None,
        id: id.to_owned(),
        scope: None,
        expires_at: None,
        keep: keep.map(str::to_owned),
        caller,
    };
    match asked(broker, PatRequest::Regenerate(wish)).await? {
        Answer::PatMade(made) => Ok(made),
        other => panic!("{other:?}"),
    }
}

async fn take(broker: &Arc<Broker>, made: &PatMade) -> Result<PatValue, Refusal> {
    match asked(broker, PatRequest::Take { ticket: made.ticket.clone().unwrap() }).await? {
        Answer::PatValue(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

async fn settle(broker: &Arc<Broker>, made: &PatMade, delivered: bool) -> Result<PatSettled, Refusal> {
    let ticket = made.ticket.clone().unwrap();
    match asked(broker, PatRequest::Settle { ticket, delivered }).await? {
        Answer::PatSettled(settled) => Ok(settled),
        other => panic!("{other:?}"),
    }
}

async fn list(broker: &Arc<Broker>) -> Vec<valetkey_protocol::PatStatus> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let question = PatList { after: after.take(), ..PatList::default() };
        let Answer::Pats(Pats { pats, next }) = asked(broker, PatRequest::List(question)).await.unwrap()
        else {
            panic!("no list")
        };
        found.extend(pats);
        after = next;
        if after.is_none() {
            return found;
        }
    }
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<_> = world.pats.alive().into_iter().map(|key| key.name).collect();
    names.sort();
    names
}

/// A token that nobody here made.
fn plant(world: &World, id: &str, name: &str) {
    let alive = Alive {
        organisation: "contoso".to_owned(),
        scope: "vso.build".to_owned(),
        name: name.to_owned(),
        valid_to: START + 5 * HOUR,
    };
    world.pats.keys.lock().unwrap().insert(id.to_owned(), alive);
}

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

#[tokio::test(start_paused = true)]
async fn one_that_is_kept_is_used_by_name_regenerated_and_gone_at_sign_out() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, Some("ci"), Some(here())).await.unwrap();
    assert_eq!(made.pat.held, PatHeld::Kept { name: "ci".to_owned() });
    assert_eq!(create(&broker, Some("ci"), Some(here())).await.unwrap_err().reason, Reason::BadRequest);
    let used = |broker: Arc<Broker>| async move {
        match asked(&broker, PatRequest::Use { name: "ci".to_owned() }).await {
            Ok(Answer::PatValue(value)) => Ok(value.secret.expose_secret().to_owned()),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal),
        }
    };
    let first = used(broker.clone()).await.unwrap();
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!(used(broker.clone()).await.unwrap(), first);
    let again = regenerate(&broker, &made.pat.id, Some("ci"), Some(here())).await.unwrap();
    assert_eq!(again.settled.unwrap().revoked, 1);
    assert_ne!(used(broker.clone()).await.unwrap(), first);
    assert_eq!(
        (world.pats.alive().len(), world.vault.names().iter().filter(|n| n.starts_with("pat/")).count()),
        (1, 1)
    );
    let all = valetkey_protocol::KeySelector::All;
    broker.revoke(&all, &Peer::default()).await;
    assert_eq!(world.pats.alive().len(), 1, "no key of the agent's");
    broker.logout(&valetkey_protocol::LogoutRequest::default(), &Peer::default()).await;
    assert!(world.pats.alive().is_empty());
    assert!(used(broker.clone()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn one_that_the_vault_does_not_take_is_revoked() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    world.vault.broken.store(true, Ordering::SeqCst);
    assert_eq!(
        regenerate(&broker, "old", Some("ci"), Some(here())).await.unwrap_err().reason,
        Reason::VaultUnavailable
    );
    assert_eq!(world.pats.keys.lock().unwrap().keys().collect::<Vec<_>>(), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn the_agents_own_keys_and_those_of_all_organisations_are_not_regenerated() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    let key = list(&broker).await.remove(0);
    assert_eq!(key.held, PatHeld::Key);
    assert!(
        regenerate(&broker, &key.id, None, Some(here())).await.unwrap_err().sentence.contains("hands out")
    );
    let change = PatChange {
        organisation: None,
        id: key.id,
        name: Some("x".to_owned()),
        scope: None,
        expires_at: None,
    };
    assert!(asked(&broker, PatRequest::Update(change)).await.is_err());
    plant(&world, "global", "everywhere");
    world.pats.keys.lock().unwrap().get_mut("global").unwrap().organisation.clear();
    assert_eq!(
        regenerate(&broker, "global", None, Some(here())).await.unwrap_err().reason,
        Reason::OperationNotAllowed
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_while_locked_and_what_is_on_its_way_can_be_settled() {
    let world = World::new();
    let broker = world.signed_in().await;
    let made = create(&broker, None, Some(here())).await.unwrap();
    take(&broker, &made).await.unwrap();
    broker.lock(false, &Peer::default()).await;
    assert_eq!(create(&broker, None, Some(here())).await.unwrap_err().reason, Reason::Locked);
    assert_eq!(
        asked(&broker, PatRequest::List(PatList::default())).await.unwrap_err().reason,
        Reason::Locked
    );
    settle(&broker, &made, true).await.unwrap();
    assert_eq!(names(&world), ["ci"]);
}

#[tokio::test(start_paused = true)]
async fn the_organisation_is_the_only_one_or_has_to_be_named() {
    let world = World::new();
    let broker = world.broker();
    assert_eq!(create(&broker, None, Some(here())).await.unwrap_err().reason, Reason::NeedsLogin);
    login(&broker, Some("contoso")).await;
    login(&broker, Some("fabrikam")).await;
    assert_eq!(create(&broker, None, Some(here())).await.unwrap_err().reason, Reason::OrganisationUnknown);
    let elsewhere = PatList { organisation: Some("evil".to_owned()), ..PatList::default() };
    let refusal = asked(&broker, PatRequest::List(elsewhere)).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::OrganisationNotAllowed);
}

#[tokio::test(start_paused = true)]
async fn revoked_by_the_person_wherever_it_comes_from() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let kept = create(&broker, Some("ci"), Some(here())).await.unwrap();
    read(&broker).await.unwrap();
    for pat in list(&broker).await {
        asked(&broker, PatRequest::Revoke { organisation: None, id: pat.id }).await.unwrap();
    }
    assert!(world.pats.alive().is_empty() && broker.keys().is_empty());
    assert!(asked(&broker, PatRequest::Use { name: "ci".to_owned() }).await.is_err(), "{}", kept.pat.id);
    assert_eq!(broker.to_revoke(), 0);
}
