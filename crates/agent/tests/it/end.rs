//! How the agent ends: told to, or idle.

use std::{io::ErrorKind, time::Duration};

use tokio::net::UnixStream;
use valetkey_agent::{Ended, Limits};
use valetkey_protocol::{Answer, Reason, Request, Welcome};

use crate::support::{Agent, BOUND, Client, get, login};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[tokio::test]
async fn what_is_in_flight_is_answered_and_nothing_new_is_taken() {
    let agent = Agent::start(Limits { grace: YEAR, ..Limits::default() });
    agent.fake.gate.send_replace(false);
    let (mut working, mut waiting, mut signing_in) =
        (agent.client().await, agent.client().await, agent.client().await);
    working.tell(&get()).await;
    assert!(matches!(signing_in.ask(&login()).await, Some(Answer::Event(_))));
    agent.fake.until(|seen| seen.gets_begun == 1).await;

    assert!(matches!(agent.client().await.ask(&Request::Stop).await, Some(Answer::Done)));
    assert_eq!(waiting.refused().await, Reason::ShuttingDown);
    assert_eq!(signing_in.refused().await, Reason::ShuttingDown);
    let (socket, gate) = (agent.socket(), agent.fake.gate.clone());
    let refused = UnixStream::connect(&socket).await.unwrap_err().kind();
    assert!(matches!(refused, ErrorKind::NotFound | ErrorKind::ConnectionRefused), "{refused}");

    gate.send_replace(true);
    assert!(matches!(working.hear().await, Some(Answer::Credential(_))));
    assert_eq!(working.refused().await, Reason::ShuttingDown);
    assert_eq!(agent.ended().await.1, Ended::Stopped);
    assert!(!socket.exists());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_given_up() {
    let agent = Agent::start(Limits::default());
    agent.fake.gate.send_replace(false);
    let mut stuck = agent.client().await;
    stuck.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    agent.control.stop();
    assert_eq!(stuck.refused().await, Reason::ShuttingDown);
    assert_eq!(agent.ended().await.1, Ended::Stopped);
}

#[tokio::test]
async fn told_twice_it_ends_at_once() {
    let agent = Agent::start(Limits { grace: YEAR, ..Limits::default() });
    agent.fake.gate.send_replace(false);
    let mut stuck = agent.client().await;
    stuck.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    agent.control.stop();
    agent.control.stop();
    assert_eq!(stuck.refused().await, Reason::ShuttingDown);
    assert_eq!(agent.ended().await.1, Ended::Stopped);
}

#[tokio::test(start_paused = true)]
async fn idle_it_ends_and_a_connection_holds_it() {
    let agent = Agent::with(Limits { idle: YEAR, ..Limits::default() }, Some(Duration::from_secs(10)));
    let client = agent.client().await;
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    drop(client);
    assert_eq!(agent.ended().await.1, Ended::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_its_client_holds_it_too() {
    let agent = Agent::with(Limits::default(), Some(Duration::from_secs(1)));
    agent.fake.gate.send_replace(false);
    let mut client = agent.client().await;
    client.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    drop(client);
    tokio::time::sleep(Duration::from_secs(7200)).await;
    agent.fake.gate.send_replace(true);
    agent.fake.until(|seen| seen.gets_done == 1).await;
    assert_eq!(agent.ended().await.1, Ended::Idle);
}

/// Whoever can connect is served, however close to the agent's end; whoever cannot knows that there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_to_an_idle_end() {
    const ENDS: usize = 60;
    let limits = Limits { hello: BOUND, frame: BOUND, write: BOUND, ..Limits::default() };
    let mut idle = Duration::from_millis(1);
    let mut folder = tempfile::tempdir().unwrap();
    let mut races = 0;
    while races < ENDS {
        let agent = Agent::again(folder, limits, Some(idle));
        let mut served = 0;
        // The pauses grow, so that one of them is longer than the agent's patience, and those before come close.
        for step in 0.. {
            tokio::time::sleep(idle / 10 * step).await;
            match UnixStream::connect(agent.socket()).await {
                Ok(stream) => served += usize::from(is_served(Client(stream)).await),
                Err(error) => {
                    assert!(
                        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused),
                        "{error}"
                    );
                    break;
                }
            }
        }
        let (same, why) = agent.ended().await;
        assert_eq!(why, Ended::Idle);
        folder = same;
        match served {
            // It was gone before anybody came: a busy machine needs one that waits longer.
            0 => idle *= 2,
            _ => races += 1,
        }
    }
}

async fn is_served(mut client: Client) -> bool {
    assert!(matches!(client.greet().await, Some(Welcome::Ready { .. })), "a client was lost");
    assert!(matches!(client.ask(&Request::Ping).await, Some(Answer::Done)), "a request was lost");
    true
}
