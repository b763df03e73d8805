//! Hello, frames, and how long either may take.

use std::time::Duration;

use valetkey_agent::Limits;
use valetkey_protocol::{Answer, ClientKind, Hello, MAX_FRAME, Reason, Request, Versions, Welcome, encode};

use crate::support::{Agent, within};

#[tokio::test]
async fn a_client_of_this_version_is_welcome() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.connect().await;
    let Some(Welcome::Ready { version, instance, .. }) = client.greet().await else { panic!() };
    assert_eq!((version, instance.as_str()), (1, "run-1"));
    assert!(matches!(client.ask(&Request::Ping).await, Some(Answer::Done)));
    assert!(matches!(client.ask(&Request::Ping).await, Some(Answer::Done)));
    let seen = agent.fake.until(|seen| seen.peers.len() == 2).await;
    assert_eq!(seen.peers[0].client, ClientKind::Cli);
    assert_eq!(seen.peers[0].pid, std::process::id());
    assert_eq!(seen.peers[0].exe, std::env::current_exe().unwrap().to_string_lossy());
}

#[tokio::test]
async fn a_client_of_another_age_is_refused_and_let_go() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.connect().await;
    client.tell(&Hello { versions: Versions { min: 7, max: 9 }, ..Hello::new(ClientKind::Git) }).await;
    let Some(Welcome::Refused(refusal)) = client.hear().await else { panic!() };
    assert_eq!(refusal.reason, Reason::VersionMismatch);
    assert!(client.is_over().await);
}

#[tokio::test]
async fn without_a_hello_nothing_is_answered() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.connect().await;
    client.tell(&Request::Ping).await;
    assert_eq!(client.refused().await, Reason::BadRequest);
    assert!(client.is_over().await);
    assert!(agent.fake.seen.borrow().peers.is_empty());
}

#[tokio::test]
async fn an_oversized_frame_is_refused_by_its_length() {
    let agent = Agent::start(Limits::default());
    for length in [u32::try_from(MAX_FRAME).unwrap() + 1, u32::MAX] {
        let mut client = agent.client().await;
        client.raw(&length.to_be_bytes()).await;
        assert_eq!(client.refused().await, Reason::BadRequest);
        assert!(client.is_over().await);
    }
}

#[tokio::test]
async fn what_is_no_question_ends_the_connection() {
    let agent = Agent::start(Limits::default());
    for body in [&b"not JSON"[..], b"", b"{\"type\":\"get\"}", b"[]", b"\xff\xfe"] {
        let mut client = agent.client().await;
        client.raw(&u32::try_from(body.len()).unwrap().to_be_bytes()).await;
        client.raw(body).await;
        assert_eq!(client.refused().await, Reason::BadRequest, "{body:?}");
        assert!(client.is_over().await);
    }
}

#[tokio::test]
async fn a_question_of_a_later_version_is_answered_and_the_connection_goes_on() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client().await;
    client.tell(&serde_json::json!({"type": "dance", "steps": 3})).await;
    assert_eq!(client.refused().await, Reason::VersionMismatch);
    assert!(matches!(client.ask(&Request::Ping).await, Some(Answer::Done)));
}

#[tokio::test(start_paused = true)]
async fn silence_and_half_frames_are_ended() {
    let agent = Agent::start(Limits::default());
    let mut silent = agent.connect().await;
    assert!(silent.is_over().await, "no hello");
    let mut half = agent.connect().await;
    half.raw(&encode(&Hello::new(ClientKind::Git)).unwrap()[..9]).await;
    assert!(half.is_over().await, "half a hello");
    let mut half = agent.client().await;
    half.raw(&encode(&Request::Ping).unwrap()[..9]).await;
    assert!(half.is_over().await, "half a question");
    let mut idle = agent.client().await;
    assert!(idle.is_over().await, "no question");
}

#[tokio::test(start_paused = true)]
async fn a_byte_at_a_time_is_too_slow() {
    let agent = Agent::start(Limits::default());
    let mut slow = agent.client().await;
    let mut served = 0;
    for byte in encode(&Request::Ping).unwrap() {
        slow.raw(&[byte]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        served += usize::from(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    }
    assert!(slow.is_over().await);
    assert_eq!(served, encode(&Request::Ping).unwrap().len());
    assert_eq!(agent.fake.seen.borrow().peers.len(), served, "the slow one was not answered");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_let_go() {
    let agent = Agent::start(Limits { connections: 1, ..Limits::default() });
    let mut deaf = agent.client().await;
    let questions = encode(&Request::Audit { limit: 60 }).unwrap().repeat(100);
    deaf.raw(&questions).await;
    // The only place is taken by a client the agent is writing to, until it gives that up.
    let mut served = false;
    for _ in 0..100 {
        let mut next = agent.connect().await;
        if matches!(next.greet().await, Some(Welcome::Ready { .. })) {
            served = matches!(next.ask(&Request::Ping).await, Some(Answer::Done));
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(served);
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_harms_nobody() {
    let agent = Agent::start(Limits::default());
    for _ in 0..300 {
        drop(agent.connect().await);
    }
    assert!(matches!(within(agent.client()).await.ask(&Request::Ping).await, Some(Answer::Done)));
}
