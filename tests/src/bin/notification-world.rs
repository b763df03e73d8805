//! Runs on a message bus of its own with a real notification daemon on it: a session ends, and its person is called when
//! nobody reads what git prints. Started by the test `re_sign_in_notified`.

use std::{
    process::{Command, ExitCode, Output},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, Rig, sign_in_with_device_code, variable};

/// A machine under load takes a while to show anything.
const SOON: Duration = Duration::from_secs(60);
/// What nobody waits for may still be on its way when it is looked for in vain.
const ASKS: usize = 10;
/// A desktop that hangs is given up after ten seconds, and a program that waited for it would take longer than this.
const LONG: Duration = Duration::from_secs(9);
const CALM: &str = "[agent]\nnotify = false\n";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "notification world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let git = valetkey_tests::find_on_path("git").context("git is not installed")?;
    let mut rig = Rig::with(&git, "")?;
    let bus = variable("DBUS_SESSION_BUS_ADDRESS").context("there is no message bus")?;
    rig.sandbox.set("DBUS_SESSION_BUS_ADDRESS", bus.to_string_lossy());
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    rig.sandbox.valetkey(&["login", "strict"])?.expect_ok("login strict")?;
    background(&rig, "contoso")?.expect_ok("before")?;

    refuse(&rig, "bad_token");
    for _ in 0..ASKS {
        let said = at_terminal(&rig, "strict")?;
        ensure!(said.contains("has ended (AADSTS50173)"), "the terminal says: {said}");
    }
    ensure!(shown()?.is_empty(), "somebody at a terminal was called: {}", shown()?);
    for _ in 0..ASKS {
        ensure!(!background(&rig, "strict")?.ok(), "a key without a session");
        background(&rig, "contoso")?.expect_ok("a key that still works")?;
    }
    let first = wait_for(1)?;
    for words in [
        "Valetkey: no new keys for alice@contoso.example",
        "the session with Microsoft Entra has ended (AADSTS50173)",
        "run `valetkey login strict --account alice@contoso.example`",
    ] {
        ensure!(first.contains(words), "{words} is not in {first}");
    }
    ensure!(rig.control().secrets().iter().all(|secret| !first.contains(secret)), "a secret is shown");
    // The agent learns that it was shown after it was, and then keeps that for the next one.
    wait_for_audit(&rig, 1)?;
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    ensure!(!background(&rig, "strict")?.ok(), "a key without a session");

    signed_in_again(&rig)?;
    refuse(&rig, "message_only");
    rig.control().revoke_sessions("alice");
    for _ in 0..ASKS {
        background(&rig, "strict")?;
    }
    wait_for(2)?;
    wait_for_audit(&rig, 2)?;
    off(&rig)?;
    hung(&rig)
}

/// The next refresh, and each after it, is refused in this way.
fn refuse(rig: &Rig, name: &str) {
    rig.control().revoke_access_tokens("alice");
    let action = Action::Entra { name: name.to_owned(), claims: None };
    rig.control().fault(Fault::new(action).host(Host::Login).grant("refresh_token").always());
}

fn signed_in_again(rig: &Rig) -> Result<()> {
    rig.control().clear_faults();
    let control = rig.control();
    let login = ["strict", "--account", "alice@contoso.example"];
    sign_in_with_device_code(&rig.sandbox, &login, |code| control.approve_device(code))?
        .expect_ok("signing in again")?;
    Ok(())
}

/// As a development environment does it: real git, without a terminal.
fn background(rig: &Rig, organisation: &str) -> Result<Ran> {
    let mut command = rig.sandbox.command("setsid");
    let url = rig.repository(&format!("{organisation}/widgets/_git/widgets"));
    command.args(["--wait", "git", "ls-remote", &url]);
    rig.sandbox.run(command)
}

fn at_terminal(rig: &Rig, organisation: &str) -> Result<String> {
    let mut command = rig.sandbox.command("script");
    let url = rig.repository(&format!("{organisation}/widgets/_git/widgets"));
    command.args(["--quiet", "--return", "--command", &format!("git ls-remote {url}"), "/dev/null"]);
    Ok(rig.sandbox.run(command)?.stdout())
}

/// Turned off in the configuration, and counted at once.
fn off(rig: &Rig) -> Result<()> {
    let file = rig.sandbox.home().join("config/valetkey/config.toml");
    let before = std::fs::read_to_string(&file)?;
    rig.sandbox.write_configuration(&format!("{before}\n{CALM}"))?;
    rig.sandbox.valetkey(&["config", "reload"])?.expect_ok("reload")?;
    signed_in_again(rig)?;
    refuse(rig, "bad_token");
    for _ in 0..ASKS {
        ensure!(!background(rig, "strict")?.ok(), "a key without a session");
    }
    ensure!(count(&shown()?) == 2, "it was called although nobody wanted that: {}", shown()?);
    rig.sandbox.write_configuration(&before)?;
    rig.sandbox.valetkey(&["config", "reload"])?.expect_ok("reload")?;
    Ok(())
}

/// With the whole message bus stopped, git is answered as fast as ever. When it wakes up, one call arrives.
fn hung(rig: &Rig) -> Result<()> {
    let bus = process_of("org.freedesktop.DBus")?;
    signal("STOP", bus)?;
    let asked: Result<Vec<Ran>> = (0..ASKS).map(|_| background(rig, "strict")).collect();
    let status = rig.sandbox.valetkey(&["status"]);
    signal("CONT", bus)?;
    for ran in asked? {
        ensure!(!ran.ok() && ran.stderr().contains("AADSTS50173"), "{}", ran.stderr());
        ensure!(ran.took < LONG, "git waited {:?} for a desktop that hangs", ran.took);
    }
    status?;
    // What failed is left alone for a while.
    let since = Instant::now();
    while count(&shown()?) < 3 && since.elapsed() < SOON {
        background(rig, "strict")?;
        thread::sleep(Duration::from_millis(200));
    }
    wait_for(3)?;
    Ok(())
}

/// Everything that the daemon shows or has shown.
fn shown() -> Result<String> {
    let ask = |method: &str| -> Result<Output> {
        let method = format!("org.dunstproject.cmd0.{method}");
        let mut command = Command::new("dbus-send");
        command.args(["--session", "--print-reply", "--dest=org.freedesktop.Notifications"]);
        Ok(command.args(["/org/freedesktop/Notifications", &method]).output()?)
    };
    // Only what was closed is listed.
    ensure!(ask("NotificationCloseAll")?.status.success(), "the daemon does not answer");
    let listed = ask("NotificationListHistory")?;
    ensure!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout)?;
    Ok(if count(&text) == 0 { String::new() } else { text })
}

fn count(shown: &str) -> usize {
    shown.matches("\"summary\"").count()
}

fn wait_for(number: usize) -> Result<String> {
    let since = Instant::now();
    loop {
        let text = shown()?;
        if count(&text) >= number || since.elapsed() > SOON {
            ensure!(count(&text) == number, "{} calls where there should be {number}: {text}", count(&text));
            return Ok(text);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn wait_for_audit(rig: &Rig, number: usize) -> Result<()> {
    let since = Instant::now();
    loop {
        let audit = rig.sandbox.valetkey(&["audit", "-n", "1000"])?.expect_ok("audit")?.stdout();
        let told = audit.matches("notified").count();
        if told >= number {
            ensure!(told == number, "{told} calls on the trail where there should be {number}: {audit}");
            return Ok(());
        }
        ensure!(since.elapsed() < SOON, "no call is on the trail: {audit}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn process_of(name: &str) -> Result<u32> {
    let out = Command::new("dbus-send")
        .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"])
        .args(["org.freedesktop.DBus.GetConnectionUnixProcessID", &format!("string:{name}")])
        .output()?;
    let text = String::from_utf8(out.stdout)?;
    text.split_whitespace().last().context("it has no process")?.parse().context("no process id")
}

fn signal(name: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
    ensure!(sent.success(), "the bus could not be sent {name}");
    Ok(())
}
