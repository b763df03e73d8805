//! The main job: sign in once, keys for one purpose each, and nothing left at the end.

use anyhow::Result;
use valetkey_broker::Peer;
use valetkey_protocol::{Answer, Flow, LogoutRequest, Operation, Reason};

use crate::place::Place;

#[tokio::test]
async fn keys_come_scoped_survive_a_restart_and_die_with_the_session() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    let read = place.ask(&broker, "contoso", Operation::Read).await?;
    let write = place.ask(&broker, "contoso", Operation::Write).await?;
    assert_eq!((read.scope.as_str(), write.scope.as_str()), ("vso.code", "vso.code_write"));
    assert_eq!(place.live(), ["vso.code", "vso.code_write"]);
    broker.stop().await;
    drop(broker);
    let broker = place.broker()?;
    broker.start().await;
    assert_eq!(place.ask(&broker, "contoso", Operation::Read).await?.key, read.key);
    let Answer::Revoked(went) = broker.logout(&LogoutRequest::default(), &Peer::default()).await else {
        panic!("not signed out")
    };
    assert_eq!((went.revoked, went.pending), (2, 0));
    assert!(place.live().is_empty());
    assert_eq!(place.emulator.control().pats().len(), 2);
    let refusal = place.ask(&broker, "contoso", Operation::Read).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsLogin);
    place.check_nothing_leaked()?;
    assert_eq!(place.emulator.control().violations(), Vec::<String>::new());
    let events = place.trail.events();
    for event in ["signed-in", "minted", "handed-out", "revoked", "signed-out", "refused"] {
        assert!(events.iter().any(|seen| seen == event), "no {event} in {events:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_device_code_signs_in_as_well() -> Result<()> {
    let place = Place::new()?;
    let broker = place.broker()?;
    let answer = place.login(&broker, "contoso", Flow::DeviceCode).await?;
    assert!(matches!(answer, Answer::SignedIn { silent: false, .. }), "{answer:?}");
    place.ask(&broker, "contoso", Operation::Read).await?;
    Ok(())
}

#[tokio::test]
async fn a_guest_organisation_is_reached_by_the_same_session() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    let answer = place.login(&broker, "fabrikam", Flow::Browser).await?;
    assert!(matches!(answer, Answer::SignedIn { silent: true, .. }), "{answer:?}");
    assert_eq!(broker.accounts().len(), 1);
    assert_eq!(place.ask(&broker, "fabrikam", Operation::Read).await?.organisation, "fabrikam");
    let refusal = place.ask(&broker, "evilorg", Operation::Read).await.unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.hint.as_str()),
        (Reason::OrganisationNotAllowed, "run `valetkey login evilorg`")
    );
    assert_eq!(place.live(), ["vso.code"]);
    Ok(())
}
