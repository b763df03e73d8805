//! A person's tokens, from the first to the last, with the shipped programs.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use valetkey_emulator::{Action, Fault, Host, PatState};
use valetkey_tests::{Ran, Rig, needs};

/// A rig whose agent keeps secrets across its restarts.
fn rig() -> Result<Rig> {
    Rig::signed_in_keeping_secrets()
}

fn pat(rig: &Rig, line: &[&str]) -> Result<Ran> {
    let mut args = vec!["pat"];
    args.extend(line);
    rig.sandbox.valetkey(&args)
}

fn listed(rig: &Rig, more: &[&str]) -> Result<Vec<Value>> {
    let mut line = vec!["list", "--json"];
    line.extend(more);
    Ok(serde_json::from_str(&pat(rig, &line)?.expect_ok("pat list")?.stdout())?)
}

fn names(pats: &[Value]) -> Vec<&str> {
    pats.iter().filter_map(|pat| pat["name"].as_str()).collect()
}

const INTO_A_FILE: &str = "cat > value";

fn in_its_place(rig: &Rig) -> Result<String> {
    Ok(fs::read_to_string(rig.sandbox.work().join("value"))?)
}

/// For a minute at most; what comes of it is for the caller to judge.
fn wait_until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether Azure DevOps takes a value.
fn works(rig: &Rig, value: &str) -> bool {
    rig.control().pat_of(value).is_some_and(|pat| pat.state == PatState::Live)
}

#[test]
fn made_shown_changed_replaced_and_revoked() -> Result<()> {
    let rig = rig()?;
    let create = [
        "create",
        "ci",
        "--scope",
        "vso.build",
        "--expires",
        "8h",
        "--to-command",
        "--",
        "sh",
        "-c",
        INTO_A_FILE,
    ];
    let made = pat(&rig, &create)?.expect_ok("create")?;
    let first = in_its_place(&rig)?;
    ensure!(works(&rig, &first), "the command got no token");
    ensure!(!made.stdout().contains(&first) && !made.stderr().contains(&first), "the value was shown");
    ensure!(names(&listed(&rig, &[])?) == ["ci"], "the mark is still in its name");
    let shown = pat(&rig, &["show", "ci"])?.expect_ok("show")?.stdout();
    let left = ["7 h 59 min", "8 h"].iter().any(|left| shown.contains(left));
    ensure!(shown.contains("vso.build") && left, "{shown}");

    pat(&rig, &["update", "ci", "--name", "build", "--scope", "vso.build_execute"])?.expect_ok("update")?;
    ensure!(listed(&rig, &[])?[0]["scope"] == "vso.build_execute" && works(&rig, &first), "the value stays");

    let regenerate = ["regenerate", "build", "--to-command", "--", "sh", "-c", INTO_A_FILE];
    pat(&rig, &regenerate)?.expect_ok("regenerate")?;
    let second = in_its_place(&rig)?;
    ensure!(works(&rig, &second) && !works(&rig, &first), "the old one lives, or the new one does not");
    ensure!(listed(&rig, &[])?[0]["scope"] == "vso.build_execute", "another scope than the old one's");

    pat(&rig, &["revoke", "build"])?.expect_ok("revoke")?;
    ensure!(!works(&rig, &second) && listed(&rig, &[])?.is_empty(), "it lives");
    ensure!(listed(&rig, &["--filter", "revoked"])?.len() == 2, "the list of the revoked");
    let audit = rig.sandbox.valetkey(&["audit", "-n", "100", "--json"])?.stdout();
    for event in
        ["pat-created", "pat-handed-out", "pat-delivered", "pat-updated", "pat-revoked", "pat-listed"]
    {
        ensure!(audit.contains(event), "no audit line for {event}");
    }
    ensure!(!audit.contains(&first) && !audit.contains(&second), "a value is on the audit trail");
    Ok(())
}

#[test]
fn every_page_of_a_long_list_in_its_order() -> Result<()> {
    let rig = rig()?;
    for number in 0..95 {
        rig.control().mint("alice", "contoso", "vso.code", 3600 + number * 60)?;
    }
    let ends =
        |pats: &[Value]| -> Vec<u64> { pats.iter().filter_map(|pat| pat["expires_at"].as_u64()).collect() };
    let descending = ends(&listed(&rig, &["--sort", "date", "--descending"])?);
    ensure!(descending.len() == 95 && descending.is_sorted_by(|a, b| a >= b), "{descending:?}");
    let ascending = ends(&listed(&rig, &["--sort", "date"])?);
    ensure!(ascending.is_sorted(), "{ascending:?}");
    Ok(())
}

#[test]
fn one_that_is_kept_outlives_the_agent_and_is_used_by_name() -> Result<()> {
    let rig = rig()?;
    pat(&rig, &["create", "laptop", "--scope", "vso.work", "--keep", "box"])?.expect_ok("create")?;
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    let first = pat(&rig, &["use", "box", "--print"])?.expect_ok("use")?.stdout();
    ensure!(works(&rig, first.trim_end()), "what was kept is not the token");
    pat(&rig, &["regenerate", "box"])?.expect_ok("regenerate")?;
    let second = pat(&rig, &["use", "box", "--print"])?.expect_ok("use")?.stdout();
    ensure!(works(&rig, second.trim_end()) && !works(&rig, first.trim_end()), "not replaced");
    ensure!(rig.control().live_pats().len() == 1, "one is left");
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(rig.control().live_pats().is_empty(), "a kept token outlives signing out");
    Ok(())
}

#[test]
fn a_command_that_fails_costs_the_new_one_only() -> Result<()> {
    let rig = rig()?;
    pat(&rig, &["create", "ci", "--scope", "vso.build", "--to-command", "--", "sh", "-c", INTO_A_FILE])?
        .expect_ok("create")?;
    for (script, said) in
        [("cat > lost; exit 3", "`sh` ended with 3"), ("exec 0<&-; exit 7", "`sh` ended with 7")]
    {
        let ran = pat(&rig, &["regenerate", "ci", "--to-command", "--", "sh", "-c", script])?;
        ensure!(!ran.ok() && ran.stderr().contains(said), "{}", ran.stderr());
        ensure!(works(&rig, &in_its_place(&rig)?), "the old one died");
        ensure!(rig.control().live_pats().len() == 1, "the new one lives");
    }
    Ok(())
}

#[test]
fn a_life_cut_short_is_said_plainly() -> Result<()> {
    let rig = rig()?;
    rig.control().set_policy("contoso", json!({"max-lifespan-days": 7}))?;
    let made = pat(&rig, &["create", "ci", "--scope", "vso.build", "--expires", "30d", "--print"])?
        .expect_ok("create")?;
    ensure!(made.stderr().contains("less time than you asked for"), "{}", made.stderr());
    let ran = pat(&rig, &["regenerate", "ci", "--print"])?.expect_ok("regenerate")?;
    ensure!(!ran.stderr().contains("less time"), "as long as the old one was to live: {}", ran.stderr());
    Ok(())
}

#[test]
fn a_lost_answer_leaves_the_old_one_and_no_other_even_where_lists_lag() -> Result<()> {
    let rig = rig()?;
    pat(&rig, &["create", "ci", "--scope", "vso.build", "--to-command", "--", "sh", "-c", INTO_A_FILE])?
        .expect_ok("create")?;
    let lost = Fault::new(Action::ResetAfterCommit).host(Host::Vssps).method("POST").path("tokens/pats");
    rig.control().fault(lost);
    let ran = pat(&rig, &["regenerate", "ci", "--print"])?;
    ensure!(!ran.ok() && ran.stdout().is_empty(), "a value came out of nowhere");
    ensure!(rig.control().live_pats().len() == 2, "nothing was made");
    rig.control().switch(|switches| switches.list_lag = 2);
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    wait_until(|| rig.control().live_pats().len() == 1);
    ensure!(
        rig.control().live_pats().len() == 1 && works(&rig, &in_its_place(&rig)?),
        "an orphan, or the wrong one"
    );
    Ok(())
}

#[test]
fn looked_over_and_narrowed() -> Result<()> {
    let rig = rig()?;
    rig.control().mint("alice", "contoso", "vso.release_manage", 200 * 86_400)?;
    let found: Value = serde_json::from_str(&pat(&rig, &["audit", "--json"])?.stdout())?;
    let offered = found[0]["instead"][0].as_str().context("nothing is offered")?.to_owned();
    let line = offered.strip_prefix("valetkey pat ").context("another program")?.replace('\'', "");
    let mut words: Vec<_> = line.split(' ').collect();
    words.push("--print");
    pat(&rig, &words)?.expect_ok("what was offered")?;
    let left = listed(&rig, &[])?;
    ensure!(left.len() == 1 && left[0]["scope"] == "vso.release_execute", "{left:?}");
    ensure!(pat(&rig, &["audit"])?.ok(), "still something to see to");
    Ok(())
}

#[test]
fn a_terminal_shows_a_value_on_a_screen_that_goes_away() -> Result<()> {
    if !needs("a_terminal_shows_a_value_on_a_screen_that_goes_away", &["script"]) {
        return Ok(());
    }
    let rig = rig()?;
    let program = valetkey_tests::programs()?.join("valetkey");
    let line = format!("{} pat create ci --scope vso.build", program.display());
    let mut command = rig.sandbox.command("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    // The key is pressed when the token is there and settled, which takes the mark from its name.
    wait_until(|| rig.control().live_pats().iter().any(|pat| pat.display_name == "ci"));
    input.write_all(b"x")?;
    let out = child.wait_with_output()?;
    let seen = String::from_utf8_lossy(&out.stdout).into_owned();
    let (enter, leave) = (seen.find("\u{1b}[?1049h"), seen.find("\u{1b}[?1049l"));
    let shown: Vec<_> = seen.split_whitespace().filter(|word| works(&rig, word)).collect();
    ensure!(shown.len() == 1, "shown {} times: {seen:?}", shown.len());
    let at = seen.find(shown[0]);
    ensure!(out.status.success() && enter.is_some() && enter < at && at < leave, "{seen:?}");
    Ok(())
}

#[test]
fn a_program_that_is_not_ours_for_people_gets_no_token() -> Result<()> {
    let rig = rig()?;
    rig.control().mint("alice", "contoso", "vso.code", 3600)?;
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    for client in ["git", "nuget", "someone"] {
        let mut stream = UnixStream::connect(rig.sandbox.home().join("run/valetkey/agent.sock"))?;
        say(&mut stream, &json!({"versions": {"min": 1, "max": 1}, "build": "0", "client": client}))?;
        say(&mut stream, &json!({"type": "pat", "do": "list"}))?;
        ensure!(hear(&mut stream)?["type"] == "ready", "not greeted");
        let answer = hear(&mut stream)?;
        ensure!(answer["reason"] == "not-permitted" && answer.get("pats").is_none(), "{client}: {answer}");
    }
    Ok(())
}

fn say(stream: &mut UnixStream, value: &Value) -> Result<()> {
    let body = value.to_string();
    stream.write_all(&u32::try_from(body.len())?.to_be_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(())
}

fn hear(stream: &mut UnixStream) -> Result<Value> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}
