//! Conversations that were recorded with real clients: nuget.exe 5.8 on mono, dotnet 3.1 and dotnet 10.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use valetkey_protocol::{Answer, Operation, Reason, Request};

use crate::talk::{Script, Talk, key_of, refused};

/// What one process was told, in order, with the milliseconds since it started.
type Told = Vec<(Duration, String)>;

fn recorded(name: &str) -> BTreeMap<u64, Told> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let mut processes: BTreeMap<u64, Told> = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["dir"] == "nuget->plugin" {
            let at = Duration::from_secs_f64(entry["ms"].as_f64().unwrap() / 1000.0);
            let process = entry["pid"].as_u64().unwrap_or_default();
            processes.entry(process).or_default().push((at, entry["raw"].as_str().unwrap().to_owned()));
        }
    }
    processes
}

/// The key of an organisation; of the second one of the demonstration as well. A refused one is followed by another.
fn by_organisation() -> Script {
    let mut healed = 0;
    Box::new(move |request, _| {
        let Request::Get(get) = request else { return Ok(Answer::Done) };
        healed += usize::from(get.refused.is_some());
        let organisation = get.target.path.as_deref().unwrap().split('/').next().unwrap();
        Ok(Answer::Credential(key_of(&format!("{organisation}-{healed}"))))
    })
}

/// Says again what the client said, and gives the states of the keys that were taken to be refused.
fn replay(told: &Told) -> Vec<String> {
    let talk = Talk::new(by_organisation());
    let seen = Arc::clone(&talk.seen);
    say(told, talk);
    seen.gets().into_iter().filter_map(|get| get.refused).collect()
}

/// Says it again, and gives the passwords that were given, and what was shown to a person.
fn hold(told: &Told, script: Script) -> (Vec<String>, Vec<String>) {
    let talk = Talk::new(script);
    let seen = Arc::clone(&talk.seen);
    (say(told, talk), seen.shown())
}

/// Says again what the client said, and gives the passwords it got.
fn say(told: &Told, mut talk: Talk) -> Vec<String> {
    let mut given = Vec::new();
    assert_eq!(talk.hear()["Type"], "Request");
    let mut closed = false;
    for (at, raw) in told {
        let message: Value = serde_json::from_str(raw).unwrap();
        *talk.seen.now.lock().unwrap() = *at;
        talk.say(raw);
        let method = message["Method"].as_str().unwrap();
        closed |= method == "Close";
        if message["Type"] != "Request" || closed {
            continue;
        }
        let answer = talk.hear();
        assert_eq!((&answer["RequestId"], &answer["Type"]), (&message["RequestId"], &json!("Response")));
        assert_eq!(answer["Method"], method);
        let expected = match method {
            "Handshake" => json!({ "ResponseCode": "Success", "ProtocolVersion": "2.0.0" }),
            "GetOperationClaims" if message["Payload"] == json!({}) => {
                json!({ "Claims": ["Authentication"] })
            }
            "GetOperationClaims" => json!({ "Claims": [] }),
            "GetAuthenticationCredentials" => {
                let password = answer["Payload"]["Password"].clone();
                assert!(password.as_str().unwrap().starts_with("canary-org"), "{password}");
                given.push(password.as_str().unwrap().to_owned());
                let types = json!(["Basic"]);
                json!({ "Username": "valetkey", "Password": password, "AuthenticationTypes": types, "ResponseCode": "Success" })
            }
            _ => json!({ "ResponseCode": "Success" }),
        };
        assert_eq!(answer["Payload"], expected);
    }
    assert!(if closed { talk.ended() } else { talk.end() }.is_empty());
    given
}

#[test]
fn every_recorded_conversation_is_held() {
    let mut held = 0;
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap() {
        for told in recorded(file.unwrap().file_name().to_str().unwrap()).values() {
            replay(told);
            held += 1;
        }
    }
    assert!(held >= 25, "{held} conversations were found");
}

#[test]
fn in_healthy_restores_of_two_organisations_nothing_is_refused() {
    for name in [
        "dn31-two-orgs",
        "dn31-many",
        "mono-two-orgs",
        "net10-two-orgs",
        "net10-many-slnx",
        "net10-many-nodes",
    ] {
        for (process, told) in recorded(&format!("{name}.jsonl")) {
            assert_eq!(replay(&told), Vec::<String>::new(), "{name}, process {process}");
        }
    }
}

/// One key for reading and one for writing for each organisation, and a policy that may forbid the second.
fn by_scope(allow_write: bool) -> Script {
    Box::new(move |request, _| {
        let Request::Get(get) = request else { return Ok(Answer::Done) };
        let organisation = get.target.path.as_deref().unwrap().split('/').next().unwrap();
        Ok(match get.operation {
            Some(Operation::Write) if allow_write => {
                Answer::Credential(key_of(&format!("{organisation}-write")))
            }
            Some(Operation::Write) => refused(Reason::OperationNotAllowed),
            _ => Answer::Credential(key_of(&format!("{organisation}-read"))),
        })
    })
}

#[test]
fn a_push_that_nobody_can_see_gets_the_wider_key_when_the_living_one_is_refused_again() {
    let told = recorded("mono-push-403.jsonl").into_values().next().unwrap();
    let (given, _) = hold(&told, by_scope(true));
    assert_eq!(given, ["canary-orgA-read", "canary-orgA-read", "canary-orgA-write", "canary-orgA-write"]);
    let (given, shown) = hold(&told, by_scope(false));
    assert_eq!(given, ["canary-orgA-read"; 4], "policy has the last word");
    assert_eq!(shown, Vec::<String>::new());
}

#[test]
fn no_restore_gets_a_key_to_write_with_though_nobody_can_see_it() {
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        for told in recorded(&name).values().filter(|_| name != "mono-push-403.jsonl") {
            let (given, _) = hold(told, by_scope(true));
            assert!(given.iter().all(|password| password.ends_with("-read")), "{name}: {given:?}");
        }
    }
}

#[test]
fn a_key_that_was_refused_is_replaced() {
    for name in ["mono-retry", "net10-mode-staleonce"] {
        for told in recorded(&format!("{name}.jsonl")).values() {
            assert_eq!(replay(told), ["orgA-0"], "{name}");
        }
    }
}
