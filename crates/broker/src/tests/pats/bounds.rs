//! What is refused: tokens that are not the person's to change, a locked agent, an organisation that is not clear.

use valetkey_protocol::{PatChange, PatHeld, PatList, PatRequest, Reason};

use super::{super::fakes::*, asked, create, here, list, names, plant, regenerate, settle, take};
use crate::Peer;

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
async fn another_name_is_held_to_what_a_first_one_is() {
    let world = World::new();
    let broker = world.signed_in().await;
    plant(&world, "old", "deploy");
    let rename = |name: &str| {
        let change = PatChange {
            organisation: None,
            id: "old".to_owned(),
            name: Some(name.to_owned()),
            scope: None,
            expires_at: None,
        };
        asked(&broker, PatRequest::Update(change))
    };
    for bad in ["  ", "a\nb", "\u{1b}[2J", &"x".repeat(201)] {
        assert_eq!(rename(bad).await.unwrap_err().reason, Reason::BadRequest, "{bad:?}");
    }
    rename(" ci ").await.unwrap();
    assert_eq!(names(&world), ["ci"]);
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
