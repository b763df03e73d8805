//! The git helper.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::Emulator;

use super::{
    mints,
    process::{measure, mebibytes, memory, start},
    report::{Pairs, Report},
};
use crate::Sandbox;

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

pub(super) fn crowd(sandbox: &Sandbox, emulator: &Emulator, report: &mut Report) -> Result<()> {
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
    let (different, posts) = (passwords.len(), mints(emulator));
    let figure = format!(
        "{CROWD} helper processes at once, no key yet: {answers} answers, {different} different, {posts} POST, {:.2} s in all",
        took.as_secs_f64()
    );
    let is_met = (answers, different, posts) == (CROWD, 1, 1);
    report.held(is_met, &figure, &format!("{CROWD} equal answers, 1 POST"));
    Ok(())
}

pub(super) fn against_cache(sandbox: &Sandbox, dev: &str, rounds: u32, report: &mut Report) -> Result<()> {
    let cache = |verb: &str| {
        let mut command = sandbox.command("git");
        command.args(["credential-cache", verb]);
        command
    };
    let known = "protocol=https\nhost=cache.example\nusername=someone\npassword=something\n\n";
    measure(cache("store"), known)?;
    let asked = "protocol=https\nhost=cache.example\n\n";
    let pairs = Pairs::measure(
        (5, rounds),
        || measure(helper(sandbox), &question(dev)),
        || measure(cache("get"), asked),
    )?;
    measure(cache("exit"), "")?;
    report.ratio(("get, warm", "git credential-cache get"), &pairs, 0.9);
    let peak = mebibytes(peak_of_get(sandbox, dev)?);
    report.held(peak <= 4.0, &format!("peak of get: {peak:.1} MiB resident"), "<= 4");
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
    let place = format!("/proc/{}/wchan", child.id());
    let deadline = Instant::now() + Duration::from_secs(10);
    while !fs::read_to_string(&place)?.contains("pipe_write") {
        ensure!(Instant::now() < deadline, "the helper never came to its last write");
        thread::yield_now();
    }
    let peak = memory(child.id(), "VmHWM:")?;
    std::io::copy(&mut reader, &mut std::io::sink())?;
    ensure!(child.wait()?.success(), "the helper failed");
    Ok(peak)
}
