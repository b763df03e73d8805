//! Questions for a key.

use std::sync::{Arc, Mutex, mpsc};

use serde_json::json;
use valetkey_client::{ClientError, Phase};
use valetkey_nuget_helper::Reach;
use valetkey_protocol::{Answer, Credential, Operation, Reason, Refusal};

use crate::talk::{FEED, Talk, generous, key_of, refused};

const OTHER: &str = "https://feed.corp.example/contoso/_packaging/f1/nuget/v3/index.json";

#[test]
fn a_key_is_given_for_basic_alone() {
    let mut talk = Talk::new(generous()).greeted();
    let expected = json!({
        "Username": "valetkey", "Password": "canary-k1", "AuthenticationTypes": ["Basic"], "ResponseCode": "Success",
    });
    assert_eq!(talk.key(FEED, false, false), expected);
    let get = &talk.seen.gets()[0];
    assert_eq!(get.target.host, "pkgs.dev.azure.com");
    assert_eq!(get.target.path.as_deref(), Some("contoso/_packaging/f1/nuget/v3/index.json"));
    assert_eq!((get.operation, get.can_retry, &get.refused), (None, false, &None), "no process is seen");
    assert_eq!(talk.seen.asked.lock().unwrap()[0].1, Reach::Start);
}

#[test]
fn a_source_that_is_nobodys_of_ours_is_declined_at_once_and_silently() {
    let mut talk = Talk::new(generous()).greeted();
    for uri in
        ["https://dev.azure.com/contoso", "http://pkgs.dev.azure.com/contoso/x", "C:\\packages", "", "x\u{0}"]
    {
        assert_eq!(talk.key(uri, false, true), json!({ "ResponseCode": "Error" }), "{uri}");
    }
    for payload in [json!({}), json!(null), json!({ "Uri": 7 }), json!({ "Uri": null })] {
        let answer = talk.ask("GetAuthenticationCredentials", &payload);
        assert_eq!(answer["Payload"], json!({ "ResponseCode": "Error" }), "{payload}");
    }
    assert!(talk.seen.asked.lock().unwrap().is_empty());
    assert!(talk.seen.shown().is_empty());
}

#[test]
fn an_unknown_host_is_asked_of_an_agent_that_runs_and_of_no_other() {
    let mut answers = vec![
        Ok(Answer::Credential(key_of("k1"))),
        Err(ClientError::Broken(Phase::Greet)),
        Ok(refused(Reason::Internal)),
        Ok(refused(Reason::NotOurs)),
        Err(ClientError::NoAgent),
    ];
    let mut talk = Talk::new(Box::new(move |_, _| answers.pop().unwrap())).greeted();
    for _ in 0..4 {
        assert_eq!(talk.key(OTHER, false, true), json!({ "ResponseCode": "Error" }));
    }
    assert_eq!(talk.key(OTHER, false, false)["Password"], "canary-k1");
    assert!(talk.seen.asked.lock().unwrap().iter().all(|(_, reach)| *reach == Reach::IfRunning));
    assert!(talk.seen.shown().is_empty());
}

#[test]
fn what_is_wrong_is_said_once_and_ours_are_not_found() {
    let mut talk = Talk::new(Box::new(|_, _| Ok(refused(Reason::NeedsLogin)))).greeted();
    talk.request("1", "GetAuthenticationCredentials", &json!({ "Uri": FEED, "IsNonInteractive": true }));
    let log = talk.hear();
    assert_eq!((&log["Type"], &log["Method"]), (&json!("Request"), &json!("Log")));
    let line = "nobody is signed in; run `valetkey login contoso`";
    assert_eq!(log["Payload"], json!({ "LogLevel": "Warning", "Message": format!("valetkey: {line}") }));
    assert_eq!(talk.hear()["Payload"], json!({ "ResponseCode": "NotFound" }));
    for _ in 0..3 {
        assert_eq!(talk.key(FEED, true, false), json!({ "ResponseCode": "NotFound" }));
    }
    assert_eq!(talk.seen.shown(), [line]);
    assert_eq!(talk.seen.logins(), 0);
}

#[test]
fn a_client_that_has_not_said_what_it_shows_is_sent_no_lines() {
    let mut talk = Talk::new(Box::new(|_, _| Ok(refused(Reason::NeedsLogin))));
    assert_eq!(talk.hear()["Method"], "Handshake");
    talk.request("1", "GetAuthenticationCredentials", &json!({ "Uri": FEED }));
    assert_eq!(talk.hear()["Payload"], json!({ "ResponseCode": "NotFound" }));
    assert_eq!(talk.seen.shown().len(), 1);
}

#[test]
fn every_failure_of_the_agent_is_a_sentence_and_never_a_fault() {
    for failure in [ClientError::NoAgent, ClientError::Garbled, ClientError::TimedOut(Phase::Answer)] {
        let line = format!("{}; {}", failure.sentence(), failure.hint());
        let mut failure = Some(failure);
        let mut talk = Talk::new(Box::new(move |_, _| Err(failure.take().unwrap()))).greeted();
        assert_eq!(talk.key(FEED, false, true), json!({ "ResponseCode": "NotFound" }));
        assert_eq!(talk.seen.shown(), [line]);
    }
}

#[test]
fn an_agent_that_dies_while_it_is_asked_is_asked_again() {
    let mut first = true;
    let mut talk = Talk::new(Box::new(move |_, _| {
        if std::mem::take(&mut first) {
            Err(ClientError::Broken(Phase::Answer))
        } else {
            Ok(Answer::Credential(key_of("k2")))
        }
    }))
    .greeted();
    assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k2");
    let mut dead = Talk::new(Box::new(|_, _| Err(ClientError::Broken(Phase::Answer)))).greeted();
    assert_eq!(dead.key(FEED, false, false), json!({ "ResponseCode": "NotFound" }));
    assert_eq!(dead.seen.gets().len(), 2);
}

#[test]
fn a_busy_agent_is_waited_for_but_not_for_ever() {
    let mut left = 3;
    let mut talk = Talk::new(Box::new(move |_, _| {
        left -= 1;
        Ok(if left == 0 { Answer::Credential(key_of("k1")) } else { refused(Reason::Busy) })
    }))
    .greeted();
    assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k1");
    let mut busy = Talk::new(Box::new(|_, _| Ok(refused(Reason::Busy)))).greeted();
    assert_eq!(busy.key(FEED, false, false), json!({ "ResponseCode": "NotFound" }));
    assert_eq!(busy.seen.gets().len(), 20);
}

#[test]
fn a_key_that_comes_back_at_once_is_named_to_the_agent() {
    let mut number = 0;
    let mut talk = Talk::new(Box::new(move |_, _| {
        number += 1;
        Ok(Answer::Credential(key_of(&format!("k{number}"))))
    }))
    .greeted();
    let second = "https://pkgs.dev.azure.com/fabrikam/_packaging/f1/nuget/v3/index.json";
    talk.key(FEED, false, false);
    talk.key(FEED, true, false);
    talk.key(second, true, false);
    talk.key(FEED, true, false);
    talk.key(FEED, false, false);
    let refused: Vec<_> = talk.seen.gets().into_iter().map(|get| get.refused).collect();
    assert_eq!(refused, [None, Some("k1".to_owned()), None, None, None]);
}

#[test]
fn a_build_node_that_restores_all_day_never_gets_a_key_to_write_with() {
    let mut talk = Talk::new(generous()).greeted();
    for restore in 0..12 {
        assert_eq!(talk.key(FEED, restore > 0, false)["Password"], "canary-k1");
        *talk.seen.now.lock().unwrap() += std::time::Duration::from_secs(2);
    }
    let gets = talk.seen.gets();
    assert!(gets.iter().any(|get| get.refused.is_some()), "it was looked into");
    assert!(gets.iter().all(|get| get.operation.is_none()));
}

#[test]
fn a_push_asks_for_a_key_to_write() {
    let mut talk = Talk::below("/usr/bin/dotnet nuget push a.nupkg", generous()).greeted();
    talk.key(FEED, false, false);
    assert_eq!(talk.seen.gets()[0].operation, Some(Operation::Write));
}

/// An agent that answers when it is told to.
fn told() -> (Talk, mpsc::Sender<Answer>) {
    let (tell, told) = mpsc::channel();
    let told = Mutex::new(told);
    let talk = Talk::new(Box::new(move |_, _| told.lock().unwrap().recv().map_err(|_| ClientError::NoAgent)));
    (talk.greeted(), tell)
}

#[test]
fn progress_is_said_at_every_beat_and_never_after_the_answer() {
    let (mut talk, tell) = told();
    talk.request("q", "GetAuthenticationCredentials", &json!({ "Uri": FEED, "IsNonInteractive": true }));
    talk.settle();
    for _ in 0..3 {
        talk.beat();
        let progress = json!({ "RequestId": "q", "Type": "Progress", "Method": "GetAuthenticationCredentials", "Payload": {} });
        assert_eq!(talk.hear(), progress);
    }
    tell.send(Answer::Credential(key_of("k1"))).unwrap();
    assert_eq!(talk.hear()["Payload"]["Password"], "canary-k1");
    for _ in 0..100 {
        talk.beat();
    }
    talk.ask("Initialize", &json!({}));
    assert!(talk.end().is_empty());
}

#[test]
fn a_cancelled_question_is_not_answered() {
    let (mut talk, tell) = told();
    let cancel = json!({ "RequestId": "q", "Type": "Cancel", "Method": "GetAuthenticationCredentials" });
    talk.say(cancel.to_string());
    talk.request("q", "GetAuthenticationCredentials", &json!({ "Uri": FEED }));
    talk.request("q", "GetAuthenticationCredentials", &json!({ "Uri": FEED }));
    talk.say(cancel.to_string());
    talk.say(cancel.to_string());
    assert_eq!(talk.hear(), cancel);
    tell.send(Answer::Credential(key_of("k1"))).unwrap();
    talk.beat();
    tell.send(Answer::Credential(key_of("k2"))).unwrap();
    assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k2");
    assert!(talk.end().is_empty());
}

#[test]
fn the_end_does_not_wait_for_the_agent() {
    let (mut talk, tell) = told();
    talk.request("q", "GetAuthenticationCredentials", &json!({ "Uri": FEED }));
    talk.ask("Initialize", &json!({}));
    let seen = Arc::clone(&talk.seen);
    assert!(talk.end().is_empty());
    drop(tell);
    assert!(seen.gets().len() <= 1);
}

#[test]
fn many_questions_at_once_are_all_answered() {
    let mut talk = Talk::new(generous()).greeted();
    for number in 0..50 {
        talk.request(&number.to_string(), "GetAuthenticationCredentials", &json!({ "Uri": FEED }));
    }
    let mut answered: Vec<u32> =
        (0..50).map(|_| talk.hear()["RequestId"].as_str().unwrap().parse().unwrap()).collect();
    answered.sort_unstable();
    assert_eq!(answered, (0..50).collect::<Vec<_>>());
    assert!(talk.end().is_empty());
}

#[test]
fn what_is_going_to_happen_is_said_beside_the_key_once_and_is_no_warning() {
    let notice = Refusal::new(Reason::NeedsLogin, "the session has ended", "run `valetkey login contoso`");
    let key = move || Credential { notice: Some(notice.clone()), ..key_of("k1") };
    let mut talk = Talk::new(Box::new(move |_, _| Ok(Answer::Credential(key())))).greeted();
    talk.request("1", "GetAuthenticationCredentials", &json!({ "Uri": FEED, "IsNonInteractive": true }));
    let log = talk.hear();
    let line = "the session has ended; run `valetkey login contoso`";
    assert_eq!(log["Payload"], json!({ "LogLevel": "Minimal", "Message": format!("valetkey: {line}") }));
    assert_eq!(talk.hear()["Payload"]["Password"], "canary-k1");
    assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k1");
    assert_eq!(talk.seen.shown(), [line]);
}
