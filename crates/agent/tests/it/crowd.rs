//! Many clients at once.

use tokio::task::JoinSet;
use valetkey_agent::{Limits, raise_descriptors};
use valetkey_protocol::{Answer, Reason, Request, Welcome, encode};

use crate::support::{Agent, BOUND, Client, get, within};

/// All connections of a test come from one process.
fn one_process(connections: usize) -> Limits {
    Limits { connections, per_process: usize::MAX, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_are_all_served() {
    assert!(raise_descriptors() > 2200, "this test needs descriptors");
    // None of them is slow by intent, however long it takes until it is its turn.
    let patient = Limits { hello: BOUND, frame: BOUND, write: BOUND, ..one_process(1024) };
    let agent = Agent::start(patient);
    agent.fake.gate.send_replace(false);
    let mut clients = JoinSet::new();
    for _ in 0..1000 {
        let mut client = agent.connect().await;
        clients.spawn(async move {
            assert!(matches!(client.greet().await, Some(Welcome::Ready { .. })));
            client.ask(&get()).await
        });
    }
    agent.fake.until(|seen| seen.gets_begun == 1000).await;
    agent.fake.gate.send_replace(true);
    let answers = within(clients.join_all()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Some(Answer::Credential(_)))));
    assert_eq!(answers.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn half_open_clients_neither_starve_a_good_one_nor_stay() {
    let agent = Agent::start(one_process(1024));
    let frame = encode(&Request::Ping).unwrap();
    let mut half = Vec::new();
    for count in 0..200 {
        let mut client = agent.connect().await;
        client.raw(&frame[..count % 5]).await;
        half.push(client);
    }
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    for mut client in half {
        assert!(client.is_over().await);
    }
}

#[tokio::test]
async fn a_crowd_of_silent_clients_makes_room() {
    let agent = Agent::start(one_process(8));
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(agent.client().await);
    }
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    assert_eq!(silent[0].refused().await, Reason::Busy);
    assert!(silent[0].is_over().await);
    assert!(matches!(silent[7].ask(&Request::Ping).await, Some(Answer::Done)));
}

#[tokio::test]
async fn where_all_are_busy_the_next_is_told_so() {
    let agent = Agent::start(one_process(4));
    agent.fake.gate.send_replace(false);
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut client = agent.client().await;
        client.tell(&get()).await;
        busy.push(client);
    }
    agent.fake.until(|seen| seen.gets_begun == 4).await;
    turned_away(agent.connect().await).await;
    agent.fake.gate.send_replace(true);
    for client in &mut busy {
        assert!(matches!(client.hear().await, Some(Answer::Credential(_))));
    }
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
}

#[tokio::test]
async fn one_process_cannot_take_every_place() {
    let agent = Agent::start(Limits { per_process: 3, ..Limits::default() });
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(agent.client().await);
    }
    turned_away(agent.connect().await).await;
    assert!(matches!(held[0].ask(&Request::Ping).await, Some(Answer::Done)));
}

async fn turned_away(mut client: Client) {
    let Some(Welcome::Refused(refusal)) = client.greet().await else { panic!("not refused") };
    assert_eq!((refusal.reason, refusal.retry_after), (Reason::Busy, Some(1)));
    assert!(client.is_over().await);
}
