//! Signing in and out, lock and unlock.

use std::{sync::atomic::Ordering, time::Duration};

use valetkey_protocol::{Answer, LogoutRequest, Operation, Reason, SecretString, SessionState};

use super::fakes::*;
use crate::{OrganisationTenant, Peer};

fn refused(answer: Answer) -> valetkey_protocol::Refusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn revoked(answer: Answer) -> valetkey_protocol::Revoked {
    match answer {
        Answer::Revoked(revoked) => revoked,
        other => panic!("not revoked: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_session_serves_another_organisation_silently() {
    let world = World::new();
    let broker = world.signed_in().await;
    let Answer::SignedIn { silent, organisations, account, .. } = login(&broker, Some("Fabrikam")).await
    else {
        panic!("not signed in")
    };
    assert!(silent);
    assert_eq!(
        (account.as_str(), organisations),
        ("alice@contoso.com", vec!["contoso".to_owned(), "fabrikam".into()])
    );
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 1);
    assert_eq!(world.trail.count("signed-in"), 2);
    drop(broker);
    assert_eq!(world.broker().accounts()[0].organisations, ["contoso", "fabrikam"]);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_sign_in_or_another_client_asks_the_person() {
    let world = World::new();
    let broker = world.signed_in().await;
    for request in [
        valetkey_protocol::LoginRequest { fresh: true, ..login_request(Some("contoso")) },
        valetkey_protocol::LoginRequest { client_id: Some("other".into()), ..login_request(Some("contoso")) },
    ] {
        let (events, mut seen) = tokio::sync::mpsc::channel(8);
        let answer = broker.login(request, events, Peer::default()).await;
        assert!(matches!(answer, Answer::SignedIn { silent: false, .. }), "{answer:?}");
        let mut browser = false;
        while let Some(event) = seen.recv().await {
            browser |= matches!(event, valetkey_protocol::Event::Browser { .. });
        }
        assert!(browser);
    }
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn one_sign_in_at_a_time_and_hanging_up_cancels() {
    let world = World::new();
    let broker = world.broker();
    world.identity.waits.store(true, Ordering::SeqCst);
    let (events, mut seen) = tokio::sync::mpsc::channel(8);
    let first = tokio::spawn({
        let broker = broker.clone();
        async move { broker.login(login_request(Some("contoso")), events, Peer::default()).await }
    });
    while !matches!(seen.recv().await, Some(valetkey_protocol::Event::Browser { .. })) {}
    assert_eq!(refused(login(&broker, Some("fabrikam")).await).reason, Reason::Busy);
    let refusal = read(&broker).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NeedsLogin, "a question never prompts");
    drop(seen);
    assert_eq!(refused(first.await.unwrap()).reason, Reason::SignInAbandoned);
    world.identity.waits.store(false, Ordering::SeqCst);
    assert!(matches!(login(&broker, Some("contoso")).await, Answer::SignedIn { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_said_before_anyone_is_asked() {
    let mut world = World::new();
    world.settings.client_id = None;
    let refusal = refused(login(&world.broker(), Some("contoso")).await);
    assert_eq!(
        (refusal.reason, refusal.sentence.as_str()),
        (Reason::ClientIdMissing, "no client id is configured")
    );
    world.settings.client_id = Some("client".to_owned());
    assert_eq!(refused(login(&world.broker(), Some("../evil")).await).reason, Reason::Configuration);
    *world.pats.tenant.lock().unwrap() = OrganisationTenant::MicrosoftAccount;
    assert_eq!(refused(login(&world.broker(), Some("contoso")).await).reason, Reason::KeyForbidden);
    assert_eq!(world.identity.sign_ins.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_mint_the_consent_is_named() {
    let world = World::new();
    *world.identity.granted.lock().unwrap() = vec!["res/vso.pats".to_owned()];
    let broker = world.broker();
    assert_eq!(refused(login(&broker, Some("contoso")).await).reason, Reason::NeedsConsent);
    assert!(broker.accounts().is_empty() && world.vault.names().is_empty());
    *world.identity.granted.lock().unwrap() = vec!["user_impersonation".to_owned()];
    assert!(matches!(login(&broker, Some("contoso")).await, Answer::SignedIn { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_not_use_the_organisation_is_not_allowed_there() {
    let world = World::new();
    let broker = world.broker();
    let denied = valetkey_protocol::Refusal::new(Reason::AccessDenied, "no member", "ask for access");
    *world.pats.list_fails.lock().unwrap() = Some(denied.into());
    let refusal = refused(login(&broker, Some("contoso")).await);
    assert_eq!(refusal.reason, Reason::AccessDenied);
    assert!(refusal.sentence.contains("`alice@contoso.com` is signed in"), "{}", refusal.sentence);
    assert!(broker.accounts()[0].organisations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn signing_out_revokes_and_forgets_everything() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    let went = revoked(broker.logout(&LogoutRequest::default(), &Peer::default()).await);
    assert_eq!((went.revoked, went.pending, went.sentence.as_str()), (2, 0, ""));
    assert!(world.pats.alive().is_empty() && broker.accounts().is_empty());
    assert_eq!(world.vault.names(), Vec::<String>::new());
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsLogin);
    assert_eq!(
        refused(broker.logout(&LogoutRequest::default(), &Peer::default()).await).reason,
        Reason::NeedsLogin
    );
    assert_eq!((world.trail.count("revoked"), world.trail.count("signed-out")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn signing_out_and_the_sweep_do_not_both_revoke_a_key() {
    let world = World::new();
    let broker = world.restarted().await;
    assert!(matches!(login(&broker, Some("contoso")).await, Answer::SignedIn { .. }));
    read(&broker).await.unwrap();
    ask(&broker, question("contoso", Some(Operation::Write))).await.unwrap();
    *world.pats.takes.lock().unwrap() = Duration::from_secs(2);
    let went = revoked(broker.logout(&LogoutRequest::default(), &Peer::default()).await);
    assert_eq!((went.revoked, went.pending), (2, 0));
    broker.tend().await;
    assert_eq!(world.trail.count("revoked"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_that_cannot_revoke_yet_gives_nothing_and_ends_later() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    *world.pats.revoke_fails.lock().unwrap() = Some(down());
    let went = revoked(broker.logout(&LogoutRequest::default(), &Peer::default()).await);
    assert_eq!((went.revoked, went.pending), (0, 1));
    assert!(went.sentence.contains("tried again"), "{}", went.sentence);
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsLogin);
    *world.pats.revoke_fails.lock().unwrap() = None;
    drop(broker);
    let broker = world.restarted().await;
    assert!(world.pats.alive().is_empty() && broker.accounts().is_empty());
    assert_eq!(world.vault.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_whose_session_the_vault_keeps_says_so_and_ends_later() {
    let world = World::new();
    let broker = world.signed_in().await;
    world.vault.broken.store(true, Ordering::SeqCst);
    let went = revoked(broker.logout(&LogoutRequest::default(), &Peer::default()).await);
    assert!(went.sentence.starts_with("the session could not be deleted: "), "{}", went.sentence);
    let shown = broker.accounts();
    assert_eq!(shown[0].session, SessionState::Ended, "nobody takes it for signed in");
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::NeedsLogin);
    world.vault.broken.store(false, Ordering::SeqCst);
    broker.tend().await;
    assert!(broker.accounts().is_empty() && world.vault.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_of_a_dead_session_forgets_it() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(HOUR);
    *world.identity.fails.lock().unwrap() = Some(ended());
    let went = revoked(broker.logout(&LogoutRequest::default(), &Peer::default()).await);
    assert_eq!(went.pending, 1);
    assert!(went.sentence.contains("end by themselves"), "{}", went.sentence);
    assert!(broker.accounts().is_empty());
    assert!(!world.vault.names().iter().any(|name| name.starts_with("session/")));
}

#[tokio::test(start_paused = true)]
async fn a_key_minted_while_signing_out_does_not_outlive_it() {
    let world = World::new();
    let broker = world.signed_in().await;
    let asking = tokio::spawn({
        let broker = broker.clone();
        async move { read(&broker).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    broker.logout(&LogoutRequest::default(), &Peer::default()).await;
    assert!(world.pats.alive().is_empty() && broker.accounts().is_empty());
    asking.await.unwrap().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_key_minted_while_all_are_revoked_is_revoked_as_well() {
    let world = World::new();
    let broker = world.signed_in().await;
    let asking = tokio::spawn({
        let broker = broker.clone();
        async move { read(&broker).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    broker.revoke(&valetkey_protocol::KeySelector::All, &Peer::default()).await;
    assert_eq!(asking.await.unwrap().unwrap_err().reason, Reason::Busy);
    broker.tend().await;
    assert!(world.pats.alive().is_empty() && broker.keys().is_empty());
    read(&broker).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_answered_after_a_lock() {
    let world = World::new();
    let broker = world.signed_in().await;
    let asked: Vec<_> = (0..500)
        .map(|_| {
            let broker = broker.clone();
            tokio::spawn(async move { read(&broker).await.map(|_| ()).map_err(|refusal| refusal.reason) })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    broker.lock(false, &Peer::default()).await;
    assert!(broker.pass().await.is_none());
    for question in asked {
        assert_eq!(question.await.unwrap(), Err(Reason::Locked));
    }
    drop(broker);
    let broker = world.restarted().await;
    assert_eq!(read(&broker).await.unwrap_err().reason, Reason::Locked);
    broker.unlock(None, &Peer::default()).await;
    read(&broker).await.unwrap();
    assert_eq!(
        (world.pats.counts().0, world.trail.count("locked"), world.trail.count("unlocked")),
        (1, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_waits_for_an_answer_that_is_being_written() {
    let world = World::new();
    let broker = world.signed_in().await;
    let pass = broker.pass().await.unwrap();
    let locking = tokio::spawn({
        let broker = broker.clone();
        async move { broker.lock(false, &Peer::default()).await }
    });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(!locking.is_finished());
    drop(pass);
    locking.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_may_revoke_everything() {
    let world = World::new();
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    let went = revoked(broker.lock(true, &Peer::default()).await);
    assert_eq!((went.revoked, world.pats.alive().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lock_closes_a_vault_with_a_passphrase_after_revoking() {
    let world = World::new();
    world.vault.has_passphrase.store(true, Ordering::SeqCst);
    let broker = world.signed_in().await;
    read(&broker).await.unwrap();
    world.clock.pass(2 * HOUR);
    let went = revoked(broker.lock(true, &Peer::default()).await);
    assert_eq!((went.revoked, went.pending), (1, 0), "the session was still at hand");
    assert!(world.vault.broken.load(Ordering::SeqCst));
    broker.unlock(Some(SecretString::from("open sesame")), &Peer::default()).await;
    read(&broker).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_passphrase_leaves_the_lock_on() {
    let world = World::new();
    let broker = world.signed_in().await;
    broker.lock(false, &Peer::default()).await;
    let wrong = broker.unlock(Some(SecretString::from("wrong")), &Peer::default()).await;
    assert_eq!(refused(wrong).reason, Reason::VaultUnavailable);
    assert!(broker.is_locked());
    broker.unlock(Some(SecretString::from("open sesame")), &Peer::default()).await;
    assert!(!broker.is_locked());
}

#[tokio::test(start_paused = true)]
async fn no_answer_audit_line_or_file_holds_a_refresh_or_access_token() {
    let world = World::new();
    let broker = world.signed_in().await;
    let key = read(&broker).await.unwrap();
    let mut seen = format!("{key:?} {:?} {:?} {:?}", broker.accounts(), broker.keys(), world.trail);
    for file in ["state.json", "ledger"] {
        seen += &std::fs::read_to_string(world.folder.path().join(file)).unwrap();
    }
    for canary in ["refresh-", "access-", "pat-id"] {
        assert!(!seen.contains(canary), "{canary} in {seen}");
    }
}
