//! What is answered without a key.

use serde_json::json;

use valetkey_nuget_helper::Reach;
use valetkey_protocol::{ExposeSecret as _, Request};

use crate::talk::{FEED, Talk, generous};

#[test]
fn both_sides_greet_at_once() {
    let mut talk = Talk::new(generous());
    let greeting = talk.hear();
    assert_eq!((&greeting["Type"], &greeting["Method"]), (&json!("Request"), &json!("Handshake")));
    assert_eq!(greeting["Payload"], json!({ "ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "2.0.0" }));
    let answer =
        talk.ask("Handshake", &json!({ "ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0" }));
    assert_eq!(answer["Payload"], json!({ "ResponseCode": "Success", "ProtocolVersion": "2.0.0" }));
    assert!(talk.end().is_empty());
}

#[test]
fn authentication_is_claimed_always_and_for_no_source() {
    let mut talk = Talk::new(generous()).greeted();
    for nothing in [json!({}), json!(null), json!({ "PackageSourceRepository": null })] {
        assert_eq!(
            talk.ask("GetOperationClaims", &nothing)["Payload"],
            json!({ "Claims": ["Authentication"] })
        );
    }
    let source = json!({ "PackageSourceRepository": FEED, "ServiceIndex": { "version": "3.0.0" } });
    assert_eq!(talk.ask("GetOperationClaims", &source)["Payload"], json!({ "Claims": [] }));
    let seen = std::sync::Arc::clone(&talk.seen);
    assert!(talk.end().is_empty());
    assert!(seen.asked.lock().unwrap().is_empty());
}

#[test]
fn what_was_never_claimed_is_an_error() {
    let mut talk = Talk::new(generous()).greeted();
    for method in ["GetServiceIndex", "PrefetchPackage", "CopyNupkgFile", "GetCredentials", "Log"] {
        assert_eq!(talk.ask(method, &json!({}))["Payload"], json!({ "ResponseCode": "Error" }), "{method}");
    }
    assert!(talk.end().is_empty());
}

#[test]
fn the_password_of_a_proxy_goes_to_the_agent_with_every_question_and_nowhere_else() {
    let mut talk = Talk::new(generous()).greeted();
    let proxy =
        json!({ "PackageSourceRepository": "/a", "ProxyUsername": "u", "ProxyPassword": "canary-proxy" });
    assert_eq!(talk.ask("SetCredentials", &proxy)["Payload"], json!({ "ResponseCode": "Success" }));
    assert!(talk.seen.asked.lock().unwrap().is_empty(), "nobody is bothered before a key is wanted");
    let nobody = json!({ "PackageSourceRepository": "/a", "Username": "x", "Password": "y" });
    assert_eq!(talk.ask("SetCredentials", &nobody)["Payload"], json!({ "ResponseCode": "Success" }));
    for _ in 0..2 {
        let answer = talk.key(FEED, false, false);
        assert!(!answer.to_string().contains("canary-proxy"));
    }
    let asked = talk.seen.asked.lock().unwrap().clone();
    let lent: Vec<_> = asked
        .iter()
        .filter_map(|(request, reach)| match request {
            Request::ProxyCredentials(lent) => {
                Some((lent.username.expose_secret(), lent.password.expose_secret(), *reach))
            }
            _ => None,
        })
        .collect();
    assert_eq!(lent, [("u", "canary-proxy", Reach::Start); 2]);
    assert_eq!(asked.len(), 4);
    assert!(
        !format!("{:?}{:?}", talk.seen.asked.lock().unwrap(), talk.seen.shown()).contains("canary-proxy")
    );
}

#[test]
fn close_ends_it_and_nothing_after_it_is_heard() {
    let mut talk = Talk::new(generous()).greeted();
    talk.say(r#"{"RequestId":"c","Type":"Request","Method":"Close"}"#);
    talk.request("late", "GetOperationClaims", &json!({}));
    assert!(talk.ended().is_empty());
}

#[test]
fn the_end_of_the_watched_process_is_the_end() {
    let mut talk = Talk::new(generous()).greeted();
    talk.alive(4711, "dotnet restore", 5);
    talk.ask("MonitorNuGetProcessExit", &json!({ "ProcessId": 4711 }));
    talk.beat();
    talk.ask("Initialize", &json!({ "RequestTimeout": "00:00:05" }));
    talk.alive(4711, "somebody else with this id", 6);
    talk.beat();
    assert!(talk.ended().is_empty());
}

#[test]
fn a_process_that_cannot_be_seen_is_not_watched() {
    let mut talk = Talk::new(generous()).greeted();
    for id in [json!(4711), json!(-1), json!("x"), json!(99_999_999_999_u64)] {
        let answer = talk.ask("MonitorNuGetProcessExit", &json!({ "ProcessId": id }));
        assert_eq!(answer["Payload"], json!({ "ResponseCode": "Success" }));
    }
    talk.beat();
    talk.ask("Initialize", &json!({}));
    assert!(talk.end().is_empty());
}
