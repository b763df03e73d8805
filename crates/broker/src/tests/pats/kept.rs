//! Kept in the vault: used by name, replaced, revoked.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{Answer, ExposeSecret as _, PatHeld, PatRequest, Reason};

use super::{super::fakes::*, asked, create, here, list, names, plant, regenerate, settle, take};
use crate::{Broker, Peer};

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
async fn signing_out_in_the_middle_of_a_regeneration_kills_what_can_die_and_names_the_rest() {
    for arrived in [false, true] {
        let world = World::new();
        let broker = world.signed_in().await;
        plant(&world, "old", "deploy");
        let made = regenerate(&broker, "old", None, Some(here())).await.unwrap();
        take(&broker, &made).await.unwrap();
        if arrived {
            *world.pats.revoke_fails.lock().unwrap() = Some(down());
            assert_eq!(settle(&broker, &made, true).await.unwrap().pending, 1);
            *world.pats.revoke_fails.lock().unwrap() = None;
        }
        let went = match broker.logout(&valetkey_protocol::LogoutRequest::default(), &Peer::default()).await {
            Answer::Revoked(went) => went,
            other => panic!("{other:?}"),
        };
        if arrived {
            assert_eq!((went.revoked, went.left.len(), names(&world)), (1, 0, vec!["deploy".to_owned()]));
        } else {
            assert_eq!((went.revoked, names(&world).len()), (0, 2), "either value may be the one in use");
            assert!(went.left[0].contains("`deploy` of `contoso` was not over"), "{:?}", went.left);
        }
    }
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
