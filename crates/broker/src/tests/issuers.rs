//! What is handed out where PATs are refused.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{ExposeSecret as _, Issuer, LoginRequest, Operation, Reason, Refusal};

use super::fakes::*;
use crate::{Broker, Failure, FailureKind, Peer, Settings};

fn policy() -> Failure {
    let refusal = Refusal::new(Reason::KeyForbidden, "`contoso` allows no tokens", "ask somebody");
    Failure::new(FailureKind::Final, refusal)
}

/// PATs are refused, and the registration that mints is also the one that may lend.
fn restricted(session_tokens: bool, entra: bool) -> World {
    let mut world = World::new();
    let lists = if entra { vec!["contoso".to_owned()] } else { Vec::new() };
    world.settings = Settings {
        session_tokens,
        entra_organisations: lists,
        entra_client_id: Some("client".to_owned()),
        ..world.settings
    };
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(policy()));
    world
}

async fn secret(broker: &Arc<Broker>) -> String {
    read(broker).await.unwrap().password.expose_secret().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_session_token_where_a_policy_refuses_pats_and_a_pat_once_it_is_lifted() {
    let world = restricted(true, false);
    let broker = world.signed_in().await;
    assert_eq!(secret(&broker).await, "session-0");
    let detours = broker.detours();
    assert_eq!((detours[0].issuer, detours[0].scope.as_str()), (Issuer::Session, "vso.code"));
    assert_eq!(broker.keys()[0].issuer, Issuer::Session);
    assert_eq!(world.trail.count("detour"), 1);
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    assert_eq!(world.pats.counts().0, 2, "each scope is refused by itself");
    assert_eq!(broker.to_revoke(), 0);
    *world.pats.mood.lock().unwrap() = None;
    world.clock.pass(8 * HOUR);
    assert!(secret(&broker).await.starts_with("pat-"));
    assert!(broker.detours().iter().all(|detour| detour.scope != "vso.code"));
}

#[tokio::test(start_paused = true)]
async fn what_served_is_remembered_and_the_policy_not_asked_again_for_an_hour() {
    let world = restricted(true, false);
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    broker.revoke(&valetkey_protocol::KeySelector::All, &Peer::default()).await;
    world.clock.pass(HOUR - 1);
    assert_eq!(secret(&broker).await, "session-1");
    assert_eq!(world.pats.counts().0, 1);
    broker.revoke(&valetkey_protocol::KeySelector::All, &Peer::default()).await;
    world.clock.pass(1);
    assert_eq!(secret(&broker).await, "session-2");
    assert_eq!(world.pats.counts().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_detour_ends_with_the_account_that_was_led_over_it() {
    let world = restricted(true, false);
    let broker = world.signed_in().await;
    secret(&broker).await;
    assert_eq!(broker.detours().len(), 1);
    broker.logout(&valetkey_protocol::LogoutRequest::default(), &Peer::default()).await;
    assert!(broker.detours().is_empty(), "status would tell of it with nobody signed in");
    drop(broker);
    assert!(world.restarted().await.detours().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entra_token_comes_third_with_its_true_end_and_only_where_it_is_listed() {
    let world = restricted(true, true);
    *world.pats.session_fails.lock().unwrap() = Some(policy());
    let broker = world.signed_in().await;
    let credential = read(&broker).await.unwrap();
    assert!(credential.password.expose_secret().starts_with("access-"));
    assert_eq!(credential.expires_at, START + HOUR);
    assert_eq!(world.pats.recognised.lock().unwrap().len(), 1);
    assert_eq!(world.vault.values.lock().unwrap().keys().filter(|name| name.starts_with("key/")).count(), 0);

    let unlisted = restricted(true, false);
    *unlisted.pats.session_fails.lock().unwrap() = Some(policy());
    let broker = unlisted.signed_in().await;
    let refusal = read(&broker).await.unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.sentence.as_str()),
        (Reason::KeyForbidden, "`contoso` allows no tokens")
    );
    assert!(broker.detours().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_policy_leads_to_another_kind() {
    let world = restricted(true, true);
    *world.pats.mood.lock().unwrap() = Some(Mood::Fail(down()));
    let broker = world.signed_in().await;
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::Unavailable);
    assert_eq!(world.pats.sessions.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_entra_token_is_replaced_and_a_challenge_for_claims_answered() {
    let world = restricted(false, true);
    let broker = world.signed_in().await;
    let first = read(&broker).await.unwrap();
    *world.pats.wants.lock().unwrap() = Some(("-claims".to_owned(), FailureKind::Claims));
    let second = ask(&broker, again(question("contoso", Some(Operation::Read)), &first, 7)).await.unwrap();
    assert_ne!(first.password.expose_secret(), second.password.expose_secret());
    assert!(
        second.password.expose_secret().ends_with("-claims"),
        "asked for with the claims of the challenge"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_the_organisation_is_asked_before_the_token_is_given_again() {
    let world = restricted(false, true);
    let broker = world.signed_in().await;
    let first = secret(&broker).await;
    assert_eq!(secret(&broker).await, first);
    assert_eq!(world.pats.recognised.lock().unwrap().len(), 1);
    world.clock.set_wall(START + 600);
    assert_eq!(secret(&broker).await, first);
    assert_eq!(world.pats.recognised.lock().unwrap().len(), 2);
    assert_eq!(secret(&broker).await, first);
    assert_eq!(world.pats.recognised.lock().unwrap().len(), 2, "once a sleep");

    world.clock.set_wall(START + 1200);
    *world.pats.recognises_not.lock().unwrap() = Some(down());
    assert_eq!(secret(&broker).await, first, "nobody could be asked");
    *world.pats.recognises_not.lock().unwrap() = Some(policy());
    world.clock.pass(30);
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::KeyForbidden);
}

#[tokio::test(start_paused = true)]
async fn a_second_registration_lends_and_cannot_mint() {
    let mut world = restricted(false, true);
    world.settings.entra_client_id = Some("lender".to_owned());
    let broker = world.signed_in().await;
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::KeyForbidden);
    let request = || LoginRequest {
        client_id: Some("lender".to_owned()),
        fresh: true,
        ..login_request(Some("contoso"))
    };
    let (events, _seen) = tokio::sync::mpsc::channel(8);
    let refused = broker.login(request(), events, Peer::default()).await;
    let valetkey_protocol::Answer::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert!(refusal.sentence.contains("may mint"), "{refusal}");
    *world.identity.granted.lock().unwrap() = vec!["res/vso.code_write".to_owned()];
    world.clock.pass(61);
    let (events, _seen) = tokio::sync::mpsc::channel(8);
    broker.login(request(), events, Peer::default()).await;
    assert!(secret(&broker).await.starts_with("access-"));
    assert_eq!((broker.accounts().len(), broker.detours()[0].issuer), (2, Issuer::Entra));
    let asked = world.pats.recognised.lock().unwrap().len();
    assert_eq!(asked, 2, "at the sign-in and for the key");
}

#[tokio::test(start_paused = true)]
async fn what_served_is_remembered_beyond_a_restart_for_the_same_hour() {
    let world = restricted(true, false);
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(600);
    for damage in [None, Some("{nonsense")] {
        let memory = world.folder.path().join("memory.json");
        damage.inspect(|damage| std::fs::write(&memory, damage).unwrap());
        let broker = world.restarted().await;
        let detours = broker.detours();
        let told = detours.first().map(|detour| (detour.issuer, detour.seconds, detour.sentence.as_str()));
        let known = damage.is_none().then_some((Issuer::Session, 3000, "`contoso` allows no tokens"));
        assert_eq!(told, known);
        assert_eq!(broker.accounts().len(), 1, "damage there costs nothing here");
        read(&broker).await.unwrap();
        assert_eq!(world.pats.counts().0, if damage.is_none() { 1 } else { 2 });
    }
    world.clock.pass(HOUR);
    assert!(world.restarted().await.detours().is_empty(), "its time is over");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_the_configuration_forbids_by_now_is_not_recalled() {
    let mut world = restricted(true, false);
    read(&world.signed_in().await).await.unwrap();
    world.settings.session_tokens = false;
    let broker = world.restarted().await;
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::KeyForbidden);
    world.settings.dev = "https://devops.example".parse().unwrap();
    assert!(world.restarted().await.detours().is_empty(), "another service");
}
