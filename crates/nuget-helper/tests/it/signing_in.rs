//! Signing in from a build.

use serde_json::json;
use valetkey_client::ClientError;
use valetkey_protocol::{Answer, Event, Flow, Reason, Request};

use crate::talk::{FEED, Script, Talk, key_of, refused};

fn device_code() -> Event {
    Event::DeviceCode {
        user_code: "ABCD-1234".to_owned(),
        verification_uri: "https://login.example/device".to_owned(),
        expires_in: 900,
    }
}

fn signed_in() -> Answer {
    Answer::SignedIn {
        account: "ada@contoso.example".to_owned(),
        tenant: "contoso".to_owned(),
        organisations: vec!["contoso".to_owned()],
        silent: false,
    }
}

/// An agent nobody is signed in to, until somebody does.
fn signed_out(event: Event, outcome: Answer) -> Script {
    let mut ready = false;
    Box::new(move |request, on_event| {
        Ok(match request {
            Request::Login(_) => {
                on_event(event.clone());
                ready = matches!(outcome, Answer::SignedIn { .. });
                outcome.clone()
            }
            _ if ready => Answer::Credential(key_of("k1")),
            _ => refused(Reason::NeedsLogin),
        })
    })
}

fn flow(talk: &Talk) -> Option<Flow> {
    talk.seen.asked.lock().unwrap().iter().find_map(|(request, _)| match request {
        Request::Login(login) => {
            assert_eq!(login.organisation.as_deref(), Some("contoso"));
            Some(login.flow)
        }
        _ => None,
    })
}

#[test]
fn a_code_is_on_the_screen_before_the_key_is_given() {
    let mut talk = Talk::new(signed_out(device_code(), signed_in())).greeted();
    talk.request("q", "GetAuthenticationCredentials", &json!({ "Uri": FEED, "IsNonInteractive": false }));
    let log = talk.hear();
    let lines = [
        "to sign in to `contoso`, open https://login.example/device",
        "and type the code ABCD-1234 (good for 15 minutes)",
    ];
    let message = format!("valetkey: {}", lines.join(" "));
    assert_eq!(log["Payload"], json!({ "LogLevel": "Minimal", "Message": message }));
    assert_eq!(talk.seen.shown(), [format!("{}\n", lines.join("\n"))]);
    assert_eq!(talk.hear()["Payload"]["Password"], "canary-k1");
    assert_eq!(flow(&talk), Some(Flow::DeviceCode));
    talk.key(FEED, false, true);
    assert_eq!(talk.seen.logins(), 1);
}

#[test]
fn a_browser_opens_where_there_is_a_screen() {
    let url = "https://login.example/authorize?x=1";
    let mut talk =
        Talk::at_a_screen(signed_out(Event::Browser { url: url.to_owned() }, signed_in())).greeted();
    assert_eq!(talk.key(FEED, false, true)["Password"], "canary-k1");
    assert_eq!(flow(&talk), Some(Flow::Browser));
    assert_eq!(*talk.seen.opened.lock().unwrap(), [url]);
    assert!(talk.seen.shown()[0].contains(url));
}

#[test]
fn no_browser_opens_where_no_window_may() {
    let mut talk = Talk::at_a_screen(signed_out(device_code(), signed_in())).greeted();
    let answer = talk.ask(
        "GetAuthenticationCredentials",
        &json!({ "Uri": FEED, "IsNonInteractive": false, "CanShowDialog": false }),
    );
    assert_eq!(answer["Payload"]["Password"], "canary-k1");
    assert_eq!(flow(&talk), Some(Flow::DeviceCode));
}

#[test]
fn what_is_no_web_address_is_not_opened() {
    let event = Event::Browser { url: "file:///etc/passwd".to_owned() };
    let mut talk = Talk::at_a_screen(signed_out(event, signed_in())).greeted();
    talk.key(FEED, false, true);
    assert!(talk.seen.opened.lock().unwrap().is_empty());
    assert!(!talk.seen.shown()[0].contains("passwd"));
}

#[test]
fn without_a_person_nobody_is_asked() {
    let mut talk = Talk::at_a_screen(signed_out(device_code(), signed_in())).greeted();
    assert_eq!(talk.key(FEED, false, false), json!({ "ResponseCode": "NotFound" }));
    for payload in [json!({ "Uri": FEED }), json!({ "Uri": FEED, "IsNonInteractive": "false" })] {
        let answer = talk.ask("GetAuthenticationCredentials", &payload);
        assert_eq!(answer["Payload"], json!({ "ResponseCode": "NotFound" }));
    }
    assert_eq!(talk.seen.logins(), 0);
    assert_eq!(talk.seen.shown(), ["nobody is signed in; run `valetkey login contoso`"]);
}

#[test]
fn a_person_who_declines_is_not_asked_again() {
    let mut talk = Talk::new(signed_out(device_code(), refused(Reason::SignInAbandoned))).greeted();
    for _ in 0..4 {
        assert_eq!(talk.key(FEED, true, true), json!({ "ResponseCode": "NotFound" }));
    }
    assert_eq!(talk.seen.logins(), 1);
}

#[test]
fn signing_in_is_offered_only_where_it_helps() {
    for reason in
        [Reason::OrganisationNotAllowed, Reason::Locked, Reason::AccessDenied, Reason::ClientIdMissing]
    {
        let mut talk = Talk::new(Box::new(move |_, _| Ok(refused(reason)))).greeted();
        assert_eq!(talk.key(FEED, false, true), json!({ "ResponseCode": "NotFound" }));
        assert_eq!(talk.seen.logins(), 0, "{reason:?}");
    }
}

#[test]
fn somebody_elses_sign_in_is_waited_for() {
    let mut gets = 0;
    let mut talk = Talk::new(Box::new(move |request, _| {
        if matches!(request, Request::Login(_)) {
            return Ok(refused(Reason::Busy));
        }
        gets += 1;
        Ok(if gets < 10 { refused(Reason::NeedsLogin) } else { Answer::Credential(key_of("k1")) })
    }))
    .greeted();
    assert_eq!(talk.key(FEED, false, true)["Password"], "canary-k1");
    assert_eq!((talk.seen.logins(), talk.seen.gets().len()), (1, 10));
}

#[test]
fn somebody_elses_sign_in_is_not_waited_for_for_ever() {
    let mut talk = Talk::new(Box::new(move |request, _| {
        Ok(refused(if matches!(request, Request::Login(_)) { Reason::Busy } else { Reason::NeedsLogin }))
    }))
    .greeted();
    assert_eq!(talk.key(FEED, false, true), json!({ "ResponseCode": "NotFound" }));
    assert_eq!(talk.seen.now.lock().unwrap().as_secs(), 15 * 60);
    assert_eq!(talk.key(FEED, true, true), json!({ "ResponseCode": "NotFound" }));
    assert_eq!(talk.seen.logins(), 1);
}

#[test]
fn an_agent_that_dies_during_the_sign_in_is_said() {
    let mut talk = Talk::new(Box::new(move |request, _| match request {
        Request::Login(_) => Err(ClientError::Broken(valetkey_client::Phase::Answer)),
        _ => Ok(refused(Reason::NeedsLogin)),
    }))
    .greeted();
    assert_eq!(talk.key(FEED, false, true), json!({ "ResponseCode": "NotFound" }));
    assert!(talk.seen.shown()[0].contains("went away"));
}
