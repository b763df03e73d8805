//! What becomes of requests whose client leaves, whose answer is too large, or that fail.

use valetkey_agent::Limits;
use valetkey_protocol::{Answer, Event, Reason, Request};

use crate::support::{Agent, get, login, within};

#[tokio::test]
async fn a_panic_ends_one_request_and_tells_nothing() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client().await;
    let Some(Answer::Refused(refusal)) = client.ask(&Request::Keys).await else { panic!() };
    assert_eq!(refusal.reason, Reason::Internal);
    assert!(!format!("{refusal:?}").contains("canary"));
    assert!(matches!(client.ask(&Request::Ping).await, Some(Answer::Done)));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_cut() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client().await;
    let Some(Answer::Audit { records }) = client.ask(&Request::Audit { limit: 500 }).await else { panic!() };
    assert!((30..500).contains(&records.len()), "{}", records.len());
}

#[tokio::test]
async fn a_sign_in_shows_its_events_and_ends_with_its_client() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client().await;
    let Some(Answer::Event(Event::Progress { sentence })) = client.ask(&login()).await else { panic!() };
    assert_eq!(sentence, "waiting");
    drop(client);
    agent.fake.until(|seen| seen.logins_cancelled == 1).await;
}

#[tokio::test]
async fn a_mint_goes_on_without_its_client() {
    let agent = Agent::start(Limits::default());
    agent.fake.gate.send_replace(false);
    let mut client = agent.client().await;
    client.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    drop(client);
    // Served after the first client's end was seen.
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    agent.fake.gate.send_replace(true);
    agent.fake.until(|seen| seen.gets_done == 1).await;
}

#[tokio::test]
async fn one_question_at_a_time_is_worked_on() {
    let agent = Agent::start(Limits::default());
    agent.fake.gate.send_replace(false);
    let mut client = agent.client().await;
    client.tell(&get()).await;
    client.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    assert_eq!(agent.fake.seen.borrow().gets_begun, 1);
    agent.fake.gate.send_replace(true);
    assert!(matches!(client.hear().await, Some(Answer::Credential(_))));
    assert!(matches!(client.hear().await, Some(Answer::Credential(_))));
}

#[tokio::test]
async fn an_answer_is_looked_at_once_more_before_it_is_written() {
    let agent = Agent::start(Limits::default());
    agent.fake.gate.send_replace(false);
    let mut client = agent.client().await;
    client.tell(&get()).await;
    agent.fake.until(|seen| seen.gets_begun == 1).await;
    agent.fake.locked.send_replace(true);
    agent.fake.gate.send_replace(true);
    assert_eq!(within(client.refused()).await, Reason::Locked);
}
