//! Whole-process figures. Two programs are run in turn, so that a slow moment of the machine hits both.

use std::{
    fs,
    io::Write as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::{Emulator, Host};

use crate::{Sandbox, console::Console, sign_in_with_device_code};

/// Helpers started at the same moment for one key that nobody has asked for yet.
const CROWD: usize = 1000;
/// What a pipe of Linux holds.
const PIPE: usize = 64 * 1024;

/// Times of `rounds` warm answers of the git helper, sorted.
pub(crate) fn warm_gets(sandbox: &Sandbox, dev: &str, rounds: u32) -> Result<Vec<Duration>> {
    let mut walls = Vec::new();
    for _ in 0..rounds {
        walls.push(measure(helper(sandbox), &question(dev))?);
    }
    walls.sort();
    Ok(walls)
}

/// Everything that is held, printed as ratios of this run.
pub(crate) fn run(sandbox: &Sandbox, emulator: &Emulator, rounds: u32, console: Console) -> Result<()> {
    let rest = |what: &str| -> Result<()> {
        console.line(&format!(
            "agent {what}: {:.1} MiB resident (hold: at rest <= 15)",
            agent_resident(sandbox)?
        ));
        Ok(())
    };
    sandbox.valetkey(&["agent", "start"])?.expect_ok("starting the agent")?;
    rest("at rest, before signing in")?;
    sign_in_with_device_code(sandbox, &["contoso"], |code| emulator.control().approve_device(code))?
        .expect_ok("signing in")?;
    crowd(sandbox, emulator, console)?;
    rest("after a sign-in and the crowd")?;
    against_cache(sandbox, &emulator.urls().dev, rounds, console)?;
    sandbox.valetkey(&["logout"])?.expect_ok("signing out")?;
    Ok(())
}

fn crowd(sandbox: &Sandbox, emulator: &Emulator, console: Console) -> Result<()> {
    let input = question(&emulator.urls().dev);
    let started = Instant::now();
    let children: Vec<_> = (0..CROWD).map(|_| start(helper(sandbox), &input)).collect::<Result<_>>()?;
    let mut passwords: Vec<String> = Vec::new();
    for child in children {
        let out = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        passwords.extend(text.lines().find(|line| line.starts_with("password=")).map(str::to_owned));
    }
    let took = started.elapsed();
    let answers = passwords.len();
    passwords.sort();
    passwords.dedup();
    let posts = emulator.control().requests_to(Host::Vssps, "POST", "tokens/pats").len();
    console.line(&format!(
        "{CROWD} helper processes at once, no key yet: {answers} answers, {} different, {posts} POST, {:.2} s in all (hold: 1 POST)",
        passwords.len(),
        took.as_secs_f64()
    ));
    ensure!(answers == CROWD && passwords.len() == 1 && posts == 1, "the crowd was not served by one mint");
    Ok(())
}

fn against_cache(sandbox: &Sandbox, dev: &str, rounds: u32, console: Console) -> Result<()> {
    let cache = |verb: &str| {
        let mut command = sandbox.command("git");
        command.args(["credential-cache", verb]);
        command
    };
    let known = "protocol=https\nhost=cache.example\nusername=someone\npassword=something\n\n";
    measure(cache("store"), known)?;
    let asked = "protocol=https\nhost=cache.example\n\n";
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds + 5 {
        let pair = (measure(helper(sandbox), &question(dev))?, measure(cache("get"), asked)?);
        // The first rounds fill caches of the operating system.
        if round >= 5 {
            ours.push(pair.0);
            theirs.push(pair.1);
        }
    }
    measure(cache("exit"), "")?;
    let ratio = median(ours.iter().zip(&theirs).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()));
    let wall = |of: &[Duration]| median(of.iter().map(|wall| wall.as_secs_f64() * 1000.0));
    console.line(&format!(
        "get, warm: {:.2} ms, git credential-cache get: {:.2} ms, ratio {ratio:.2} of {rounds} pairs (hold: <= 0.9)",
        wall(&ours),
        wall(&theirs)
    ));
    let peak = mebibytes(peak_of_get(sandbox, dev)?);
    console.line(&format!("peak of get: {peak:.1} MiB resident (hold: <= 4)"));
    Ok(())
}

fn helper(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command("git-credential-valetkey");
    command.arg("get");
    command
}

fn question(dev: &str) -> String {
    let host = dev.strip_prefix("https://").unwrap_or(dev);
    format!("protocol=https\nhost={host}\npath=contoso/widgets/_git/widgets\n\n")
}

fn start(mut command: Command, input: &str) -> Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start a helper")?;
    let mut to = child.stdin.take().context("no standard input")?;
    to.write_all(input.as_bytes())?;
    Ok(child)
}

fn measure(command: Command, input: &str) -> Result<Duration> {
    let started = Instant::now();
    let status = start(command, input)?.wait_with_output()?.status;
    let wall = started.elapsed();
    ensure!(status.success(), "a measured program failed ({status})");
    Ok(wall)
}

/// The most memory a warm `get` ever held, in bytes. It is held fast at its last write by a pipe that is full already;
/// what the operating system tells of an ended child would count its parent's memory as well.
fn peak_of_get(sandbox: &Sandbox, dev: &str) -> Result<u64> {
    let (mut reader, mut writer) = std::io::pipe()?;
    writer.write_all(&vec![b'.'; PIPE])?;
    let mut command = helper(sandbox);
    command.stdin(Stdio::piped()).stdout(writer).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start a helper")?;
    drop(command);
    child.stdin.take().context("no standard input")?.write_all(question(dev).as_bytes())?;
    let process = format!("/proc/{}", child.id());
    let deadline = Instant::now() + Duration::from_secs(10);
    while !fs::read_to_string(format!("{process}/wchan"))?.contains("pipe_write") {
        ensure!(Instant::now() < deadline, "the helper never came to its last write");
        thread::yield_now();
    }
    let peak = memory(&process, "VmHWM:")?;
    std::io::copy(&mut reader, &mut std::io::sink())?;
    ensure!(child.wait()?.success(), "the helper failed");
    Ok(peak)
}

/// A line of `/proc/…/status`, in bytes.
fn memory(process: &str, line: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("{process}/status")).context("the memory cannot be read")?;
    let found = text.lines().find_map(|known| known.strip_prefix(line)).context("no such line")?;
    let kib: u64 = found.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// Resident memory of the sandbox's agent, in MiB.
fn agent_resident(sandbox: &Sandbox) -> Result<f64> {
    let status = sandbox.valetkey(&["status", "--json"])?;
    let report: serde_json::Value = serde_json::from_slice(&status.output.stdout).context("no status")?;
    let pid = report["pid"].as_u64().context("the status names no process")?;
    // Let the runtime's threads come to rest: they are scheduled away as soon as nothing is asked.
    thread::yield_now();
    Ok(mebibytes(memory(&format!("/proc/{pid}"), "VmRSS:")?))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of processes, shown with one digit")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
