//! Access tokens of somebody who is signed in elsewhere.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{
    Answer, AzureCli, LoginRequest, Operation, Reason, Refusal, SessionState, TokenSource,
};

use super::fakes::*;
use crate::{Broker, Failure, FailureKind, OrganisationTenant, Peer, Settings};

fn azure_cli() -> TokenSource {
    TokenSource::AzureCli(AzureCli { program: "/usr/bin/az".to_owned(), config_dir: None, ca_bundle: None })
}

async fn from_az(broker: &Arc<Broker>, organisation: Option<&str>) -> Answer {
    let (events, _seen) = tokio::sync::mpsc::channel(8);
    let request = LoginRequest { from: Some(azure_cli()), ..login_request(organisation) };
    broker.login(request, events, Peer::default()).await
}

fn without_client() -> World {
    let mut world = World::new();
    world.settings = Settings { client_id: None, ..world.settings };
    world
}

#[tokio::test(start_paused = true)]
async fn keys_are_minted_without_a_registration_and_after_a_restart() {
    let world = without_client();
    let broker = world.broker();
    let answer = from_az(&broker, Some("contoso")).await;
    let Answer::SignedIn { account, silent: false, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(account, "alice@contoso.com");
    read(&broker).await.unwrap();
    assert_eq!(broker.accounts()[0].source, Some(azure_cli()));
    assert_eq!(*world.identity.loans.lock().unwrap(), [(Some("home".to_owned()), true)]);
    drop(broker);
    let broker = world.restarted().await;
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    assert_eq!(world.identity.loans.lock().unwrap().last(), Some(&(Some("home".to_owned()), false)));
    assert_eq!(world.identity.refreshes.load(Ordering::SeqCst), 0);
    assert!(world.vault.values.lock().unwrap().keys().all(|name| name.starts_with("key/")));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_borrowed_again_before_its_end_and_of_the_tenant_that_is_wanted() {
    let world = without_client();
    let broker = world.broker();
    from_az(&broker, Some("contoso")).await;
    *world.pats.tenant.lock().unwrap() = OrganisationTenant::Tenant("away".to_owned());
    from_az(&broker, Some("fabrikam")).await;
    world.clock.pass(HOUR - 299);
    ask(&broker, question("fabrikam", None)).await.unwrap();
    let tenants: Vec<_> =
        world.identity.loans.lock().unwrap().iter().map(|(tenant, _)| tenant.clone().unwrap()).collect();
    assert_eq!(tenants, ["home", "away", "away"]);
    ask(&broker, question("contoso", None)).await.unwrap();
    let last = world.identity.loans.lock().unwrap().last().cloned();
    assert_eq!(last, Some((Some("home".to_owned()), false)), "the account has not moved");
}

#[tokio::test(start_paused = true)]
async fn a_lender_that_is_signed_out_is_asked_again_soon() {
    let world = without_client();
    let broker = world.broker();
    from_az(&broker, Some("contoso")).await;
    world.clock.pass(HOUR);
    *world.identity.lends_not.lock().unwrap() = Some(ended().believed_for(5));
    for _ in 0..3 {
        assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsLogin);
    }
    assert_eq!(world.identity.loans.lock().unwrap().len(), 2);
    assert_eq!(broker.accounts()[0].session, SessionState::Ended);
    *world.identity.lends_not.lock().unwrap() = None;
    world.clock.pass(5);
    read(&broker).await.unwrap();
    assert_eq!(broker.accounts()[0].session, SessionState::Ready);
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_sign_in_does_not_take_the_lender_for_its_own() {
    let mut world = World::new();
    let broker = world.broker();
    from_az(&broker, Some("contoso")).await;
    let id = broker.accounts()[0].client_id.clone();
    world.settings.client_id = Some(id);
    broker.reconfigure(world.settings.clone()).unwrap();
    login(&broker, Some("contoso")).await;
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 1);
    assert_eq!(broker.accounts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_taken_is_borrowed_once_more() {
    let world = without_client();
    let broker = world.broker();
    from_az(&broker, Some("contoso")).await;
    *world.pats.wants.lock().unwrap() = Some(("no-such-token".to_owned(), FailureKind::TokenRejected));
    read(&broker).await.unwrap_err();
    assert_eq!(world.identity.loans.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn signing_out_revokes_its_keys_and_forgets_it() {
    let world = without_client();
    let broker = world.broker();
    from_az(&broker, Some("contoso")).await;
    read(&broker).await.unwrap();
    broker.logout(&valetkey_protocol::LogoutRequest::default(), &Peer::default()).await;
    assert!(world.pats.alive().is_empty() && broker.accounts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_person_signed_in_twice_is_no_other_account() {
    let world = World::new();
    let broker = world.signed_in().await;
    from_az(&broker, Some("contoso")).await;
    let accounts = broker.accounts.snapshot();
    let names: Vec<_> = accounts.iter().map(|account| account.username.as_str()).collect();
    assert_eq!(names, ["alice@contoso.com"; 2]);
    let denied = Refusal::new(Reason::AccessDenied, "`contoso` says no", "ask for access");
    let told = broker.about(Failure::new(FailureKind::Final, denied), &accounts[0], "contoso");
    assert_eq!(
        told.refusal.hint,
        "ask for access; to use another account run `valetkey login contoso --fresh`"
    );
}
