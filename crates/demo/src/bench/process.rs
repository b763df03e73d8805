//! What the operating system tells of a process.

use std::{
    fs,
    io::Write as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::Sandbox;

/// Starts a program and gives it all its input.
pub(super) fn start(mut command: Command, input: &str) -> Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start a helper")?;
    let mut to = child.stdin.take().context("no standard input")?;
    to.write_all(input.as_bytes())?;
    Ok(child)
}

/// How long a program takes from its start to its end.
pub(super) fn measure(command: Command, input: &str) -> Result<Duration> {
    let started = Instant::now();
    let status = start(command, input)?.wait_with_output()?.status;
    let wall = started.elapsed();
    ensure!(status.success(), "a measured program failed ({status})");
    Ok(wall)
}

/// A line of `/proc/…/status`, in bytes.
pub(super) fn memory(process: u32, line: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).context("the memory cannot be read")?;
    let found = text.lines().find_map(|known| known.strip_prefix(line)).context("no such line")?;
    let kib: u64 = found.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// Resident memory of the sandbox's agent, in bytes.
pub(super) fn agent_resident(sandbox: &Sandbox) -> Result<u64> {
    let status = sandbox.valetkey(&["status", "--json"])?;
    let report: serde_json::Value = serde_json::from_slice(&status.output.stdout).context("no status")?;
    let pid = report["pid"].as_u64().context("the status names no process")?;
    // Let the runtime's threads come to rest: they are scheduled away as soon as nothing is asked.
    thread::yield_now();
    memory(u32::try_from(pid)?, "VmRSS:")
}

#[expect(clippy::cast_precision_loss, reason = "sizes of processes, shown with one digit")]
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
