//! Runs inside a message bus of its own, with a real keyring on it: the agent keeps its session there, and goes on
//! when the keyring hangs. Started by the test `keyring`.

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_tests::{Rig, variable};

const WIDGETS: &str = "contoso/widgets/_git/widgets";
/// A keyring that does not answer is given up after three seconds; a machine under load needs some more to say so.
const SOON: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "keyring world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let git = valetkey_tests::find_on_path("git").context("git is not installed")?;
    let mut rig = Rig::with(&git, "[vault]\nstore = \"os\"\n")?;
    let bus = variable("DBUS_SESSION_BUS_ADDRESS").context("there is no message bus")?;
    rig.sandbox.set("DBUS_SESSION_BUS_ADDRESS", bus.to_string_lossy());
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    let (work, url) = (rig.sandbox.work(), rig.repository(WIDGETS));
    rig.sandbox.git(&work, &["clone", &url, "tree"])?.expect_ok("clone")?;
    ensure!(vault(&rig)? == "ready", "the keyring works and status says: {}", vault(&rig)?);

    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    rig.sandbox.git(&work, &["ls-remote", &url])?.expect_ok("with the key from the keyring")?;
    ensure!(rig.mints() == 1, "the key was not found in the keyring: {} mints", rig.mints());

    let keyring = owner_of_secrets()?;
    signal("STOP", keyring)?;
    let outcome = hung(&rig);
    signal("CONT", keyring)?;
    outcome?;

    // What failed is not asked again for two seconds.
    let woken = Instant::now();
    let push = || rig.sandbox.git(&work.join("tree"), &["push", "--dry-run", "origin", "HEAD"]);
    let mut pushed = push()?;
    while !pushed.ok() && woken.elapsed() < SOON {
        pushed = push()?;
    }
    pushed.expect_ok("after it woke up")?;
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(rig.control().live_pats().is_empty(), "keys are left alive");
    Ok(())
}

/// With the keyring stopped under an agent that has just started: a held key is answered, a new one needs the session
/// that rests there and is refused in a line that says so, status tells.
fn hung(rig: &Rig) -> Result<()> {
    let (tree, url) = (rig.sandbox.work().join("tree"), rig.repository(WIDGETS));
    rig.sandbox.git(&tree, &["ls-remote", &url])?.expect_ok("a held key")?;
    let push = rig.sandbox.git(&tree, &["push", "--dry-run", "origin", "HEAD"])?;
    ensure!(push.took < SOON, "a hung keyring held a mint for {:?}", push.took);
    let said = push.stderr();
    ensure!(!push.ok() && said.contains("valetkey: the keyring does not answer"), "git push: {said}");
    let status = rig.sandbox.valetkey(&["status", "--json"])?;
    ensure!(status.took < SOON, "status took {:?}", status.took);
    ensure!(vault(rig)? == "hung", "the keyring hangs and status says: {}", vault(rig)?);
    Ok(())
}

fn vault(rig: &Rig) -> Result<String> {
    let report: Value = serde_json::from_str(&rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
    Ok(report["vault"]["state"].as_str().unwrap_or_default().to_owned())
}

/// The process behind the Secret Service of this bus.
fn owner_of_secrets() -> Result<u32> {
    let out = Command::new("dbus-send")
        .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"])
        .args(["org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.secrets"])
        .output()?;
    let text = String::from_utf8(out.stdout)?;
    text.split_whitespace().last().context("the keyring has no process")?.parse().context("no process id")
}

fn signal(name: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
    ensure!(sent.success(), "the keyring could not be sent {name}");
    Ok(())
}
