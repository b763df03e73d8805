//! The agent's life: started on demand, one only, killed, locked, other versions.

use std::{
    collections::HashSet,
    fs,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::Rig;

const WIDGETS: &str = "contoso/widgets/_git/widgets";

fn pid(rig: &Rig) -> Result<u64> {
    let report: Value = serde_json::from_str(&rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
    report["pid"].as_u64().context("no agent")
}

fn socket(rig: &Rig) -> PathBuf {
    rig.sandbox.home().join("run/valetkey/agent.sock")
}

fn kill(pid: u64) -> Result<()> {
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
    ensure!(killed.success(), "the agent could not be killed");
    Ok(())
}

#[test]
fn many_starters_make_one_agent() -> Result<()> {
    let rig = Rig::new()?;
    let children: Vec<_> = (0..40)
        .map(|_| {
            let mut command = rig.sandbox.command("valetkey");
            command.args(["agent", "start"]).stdout(Stdio::piped()).spawn()
        })
        .collect::<std::io::Result<_>>()?;
    let mut agents = HashSet::new();
    for child in children {
        let out = child.wait_with_output()?;
        let said = String::from_utf8(out.stdout)?;
        ensure!(out.status.success(), "a starter was not served: {said}");
        let (_, pid) =
            said.trim().rsplit_once("pid ").with_context(|| format!("no process is named: {said}"))?;
        agents.insert(pid.parse::<u64>()?);
    }
    ensure!(agents == HashSet::from([pid(&rig)?]), "starters were served by {agents:?}");
    Ok(())
}

#[test]
fn a_killed_agent_is_replaced_by_the_next_question() -> Result<()> {
    let rig = Rig::signed_in()?;
    let first = pid(&rig)?;
    kill(first)?;
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("start after a kill")?;
    ensure!(pid(&rig)? != first, "the dead agent answers");
    Ok(())
}

#[test]
fn a_key_whose_answer_was_lost_in_a_crash_is_revoked_by_the_next_agent() -> Result<()> {
    let rig = Rig::signed_in_keeping_secrets()?;
    let lost = Fault::new(Action::ResetAfterCommit).host(Host::Vssps).method("POST").path("tokens/pats");
    rig.control().fault(lost);
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &rig.repository(WIDGETS)])?;
    // Whether the question was served by a second mint or refused is the broker's choice; what was lost must die.
    let served = ran.ok();
    kill(pid(&rig)?)?;
    // The emulator's host is not built in, so git alone does not start an agent for it.
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    rig.sandbox
        .git(&rig.sandbox.work(), &["ls-remote", &rig.repository(WIDGETS)])?
        .expect_ok("after the crash")?;
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(rig.control().live_pats().is_empty(), "an orphan lives (first question served: {served})");
    Ok(())
}

#[test]
fn a_locked_agent_gives_nothing() -> Result<()> {
    let rig = Rig::signed_in()?;
    let url = rig.repository(WIDGETS);
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["ls-remote", &url])?.expect_ok("unlocked")?;
    rig.sandbox.valetkey(&["lock"])?.expect_ok("lock")?;
    let ran = rig.sandbox.git(&work, &["ls-remote", &url])?;
    ensure!(!ran.ok() && ran.stderr().contains("valetkey unlock"), "{}", ran.stderr());
    rig.sandbox.valetkey(&["unlock"])?.expect_ok("unlock")?;
    rig.sandbox.git(&work, &["ls-remote", &url])?.expect_ok("unlocked again")?;
    rig.sandbox.valetkey(&["lock", "--revoke"])?.expect_ok("lock --revoke")?;
    ensure!(rig.control().live_pats().is_empty(), "`lock --revoke` left keys alive");
    Ok(())
}

/// Plays an agent that answers each connection with these bytes after the first frame.
fn play(rig: &Rig, bytes: &'static [u8]) -> Result<()> {
    let folder = rig.sandbox.home().join("run/valetkey");
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let listener = UnixListener::bind(socket(rig))?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = answer(&mut stream, bytes);
        }
    });
    Ok(())
}

fn answer(stream: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut body)?;
    stream.write_all(bytes)
}

/// What the helper says when the agent behind the socket is not what it should be.
fn helper_against(bytes: &'static [u8]) -> Result<String> {
    let rig = Rig::new()?;
    play(&rig, bytes)?;
    let mut helper = rig.sandbox.command("git-credential-valetkey");
    helper.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = helper.spawn()?;
    let question = b"protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n\n";
    helper.stdin.take().context("no standard input")?.write_all(question)?;
    let out = helper.wait_with_output()?;
    fs::remove_file(socket(&rig))?;
    Ok(format!("{}{}", String::from_utf8(out.stdout)?, String::from_utf8(out.stderr)?.trim_end()))
}

#[test]
fn an_agent_of_another_version_is_named() -> Result<()> {
    let refusal = br#"{"type":"refused","reason":"version-mismatch","sentence":"the running agent speaks protocol 7-9, this program 1-1","hint":"run `valetkey agent restart`"}"#;
    let mut frame = u32::try_from(refusal.len())?.to_be_bytes().to_vec();
    frame.extend_from_slice(refusal);
    let said = helper_against(frame.leak())?;
    insta::assert_snapshot!(said, @"
    quit=1
    valetkey: the running agent speaks protocol 7-9, this program 1-1; run `valetkey agent restart`
    ");
    Ok(())
}

#[test]
fn an_agent_that_dies_in_the_middle_of_an_answer_is_named() -> Result<()> {
    insta::assert_snapshot!(helper_against(b"\0\0\0\x40{\"type\":\"rea")?, @"
    quit=1
    valetkey: the agent went away before it could greet; try again; if it happens twice, run `valetkey agent restart`
    ");
    Ok(())
}

#[test]
fn an_agent_that_talks_nonsense_is_named() -> Result<()> {
    insta::assert_snapshot!(helper_against(b"HTTP/1.1 200 OK\r\n\r\n")?, @"
    quit=1
    valetkey: the agent's answer is not understood; run `valetkey agent restart`
    ");
    Ok(())
}
