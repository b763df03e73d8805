//! What goes wrong at the services.

use anyhow::Result;
use valetkey_broker::Peer;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_protocol::{Answer, KeySelector, Operation, Reason};

use crate::place::Place;

fn on_create(action: Action) -> Fault {
    Fault::new(action).host(Host::Vssps).method("POST")
}

#[tokio::test]
async fn a_key_whose_answer_was_lost_is_revoked_by_the_next_start() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.emulator.control().fault(on_create(Action::ResetAfterCommit));
    let refusal = place.ask(&broker, "contoso", Operation::Read).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::Unavailable, "{refusal:?}");
    assert_eq!(place.live(), ["vso.code"]);
    drop(broker);
    let broker = place.broker()?;
    broker.start().await;
    broker.tend().await;
    assert!(place.live().is_empty());
    assert_eq!(broker.to_revoke(), 0);
    Ok(())
}

#[tokio::test]
async fn a_policy_of_the_organisation_is_named_and_leaves_nothing_open() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    // Session tokens are refused as well: they are the next kind that is tried.
    let refused = Action::PatError { name: "disablePatCreationPolicyViolation".to_owned() };
    place.emulator.control().fault(on_create(refused).always());
    let refusal = place.ask(&broker, "contoso", Operation::Read).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::KeyForbidden, "{refusal:?}");
    assert!(!refusal.hint.is_empty());
    assert_eq!(broker.to_revoke(), 0);
    Ok(())
}

#[tokio::test]
async fn a_wished_wait_is_passed_on_and_kept() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.emulator.control().fault(on_create(Action::throttle(120)));
    for _ in 0..3 {
        let refusal = place.ask(&broker, "contoso", Operation::Read).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::Throttled, "{refusal:?}");
        assert!(refusal.retry_after.is_some_and(|seconds| seconds > 100));
    }
    assert!(place.live().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_claims_challenge_is_met_without_a_person() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.emulator.control().challenge_claims("alice", false)?;
    place.ask(&broker, "contoso", Operation::Read).await?;
    place.emulator.control().advance(1);
    place.emulator.control().challenge_claims("alice", true)?;
    let refusal = place.ask(&broker, "contoso", Operation::Write).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsInteraction, "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn a_revoked_session_leaves_valid_keys_and_says_what_to_do() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.ask(&broker, "contoso", Operation::Read).await?;
    place.emulator.control().revoke_access_tokens("alice");
    place.emulator.control().revoke_sessions("alice");
    let refusal = place.ask(&broker, "contoso", Operation::Write).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsLogin, "{refusal:?}");
    place.ask(&broker, "contoso", Operation::Read).await?;
    Ok(())
}

#[tokio::test]
async fn an_access_token_that_is_refused_is_renewed_once() -> Result<()> {
    let place = Place::new()?;
    let broker = place.signed_in().await?;
    place.emulator.control().revoke_access_tokens("alice");
    place.ask(&broker, "contoso", Operation::Read).await?;
    assert_eq!(place.live(), ["vso.code"]);
    let Answer::Revoked(went) = broker.revoke(&KeySelector::All, &Peer::default()).await else {
        panic!("not revoked")
    };
    assert_eq!((went.revoked, went.pending), (1, 0));
    Ok(())
}
