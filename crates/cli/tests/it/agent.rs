use insta::assert_snapshot;
use valetkey_protocol::{Answer, StatusReport};

use crate::harness::Run;

fn running() -> Answer {
    Answer::Status(Box::new(StatusReport {
        version: "0.1.0".to_owned(),
        pid: 4711,
        ..StatusReport::default()
    }))
}

#[test]
fn started() {
    assert_snapshot!(Run::new("agent start").answer(running()).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"status"}
    ----- stdout -----
    the agent is running: version 0.1.0, pid 4711
    "#);
}

#[test]
fn not_started() {
    let run = Run::new("agent start").unreachable(
        "`valetkey-agent` cannot be started: No such file or directory",
        "install Valetkey again: `valetkey-agent` belongs into the folder of this program",
    );
    assert_snapshot!(run.shown(), @r#"
    exit: 3 (NoAgent)
    asked: OnDemand {"type":"status"}
    ----- stderr -----
    error: `valetkey-agent` cannot be started: No such file or directory
    hint: install Valetkey again: `valetkey-agent` belongs into the folder of this program
    "#);
}

#[test]
fn stopped() {
    assert_snapshot!(Run::new("agent stop").answer(Answer::Done).shown(), @r#"
    exit: 0 (Done)
    asked: Never {"type":"stop"}
    asked: wait at most 15 s until it is gone
    ----- stdout -----
    the agent has stopped
    "#);
}

#[test]
fn none_to_stop() {
    assert_snapshot!(Run::new("agent stop").shown(), @r#"
    exit: 0 (Done)
    asked: Never {"type":"stop"}
    ----- stdout -----
    no agent is running
    "#);
}

#[test]
fn one_that_does_not_end() {
    assert_snapshot!(Run::new("agent stop").answer(Answer::Done).never_ends().shown(), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"stop"}
    asked: wait at most 15 s until it is gone
    ----- stderr -----
    error: the agent has not ended within 15 s
    hint: it may be waiting for a service; try again in a moment
    "#);
}

#[test]
fn restarted() {
    assert_snapshot!(Run::new("agent restart").answer(Answer::Done).answer(running()).shown(), @r#"
    exit: 0 (Done)
    asked: Never {"type":"stop"}
    asked: wait at most 15 s until it is gone
    asked: OnDemand {"type":"status"}
    ----- stdout -----
    the agent is running: version 0.1.0, pid 4711
    "#);
}

#[test]
fn an_agent_that_is_not_installed_does_not_run() {
    assert_snapshot!(Run::new("agent run").shown(), @"
    exit: 1 (Refused)
    ----- stderr -----
    error: `valetkey-agent` cannot be run: entity not found
    hint: install `valetkey-agent` next to `valetkey`
    ");
}

#[test]
fn an_answer_of_a_later_version() {
    assert_snapshot!(Run::new("agent start").answer(Answer::Unknown).shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"status"}
    ----- stderr -----
    error: the agent gave an answer this program does not understand
    hint: run `valetkey agent restart` so that both are of the same version
    "#);
}
