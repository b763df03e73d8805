use insta::assert_snapshot;
use valetkey_protocol::{Answer, Reason};

use crate::harness::Run;

#[test]
fn reloaded() {
    assert_snapshot!(Run::new("config reload").answer(Answer::Done).shown(), @r#"
    exit: 0 (Done)
    asked: Never {"type":"reload"}
    ----- stdout -----
    the agent has read its configuration again
    "#);
}

#[test]
fn without_an_agent() {
    assert_snapshot!(Run::new("config reload").shown(), @r#"
    exit: 0 (Done)
    asked: Never {"type":"reload"}
    ----- stdout -----
    no agent is running: it reads its configuration when it starts
    "#);
}

#[test]
fn a_bad_one() {
    let run = Run::new("config reload").refuse(
        Reason::Configuration,
        "`/home/alice/.config/valetkey/config.toml` line 3: unknown key `life`",
        "the old configuration stays in force",
    );
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: Never {"type":"reload"}
    ----- stderr -----
    error: `/home/alice/.config/valetkey/config.toml` line 3: unknown key `life`
    hint: the old configuration stays in force
    "#);
}
