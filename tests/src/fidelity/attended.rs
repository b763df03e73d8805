//! A program with a person at its terminal.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use valetkey_demo::user_code;

/// How long a program with a person at it may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(500);

/// What a program said on both streams together, and how it ended.
#[derive(Debug)]
pub struct Attended {
    /// Everything it said, in the order it arrived.
    pub said: String,
    /// How it ended.
    pub status: ExitStatus,
}

impl Attended {
    /// The run, if it ended well; otherwise an error that shows what it said.
    ///
    /// # Errors
    /// When it ended badly.
    pub fn expect_ok(self, what: &str) -> Result<Self> {
        if !self.status.success() {
            bail!("{what} failed ({}):\n{}", self.status, self.said);
        }
        Ok(self)
    }
}

/// The same command with a terminal of its own, as in a window of the person's (`script`, of util-linux).
pub fn in_terminal(command: &Command) -> Command {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let line: Vec<_> =
        words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))).collect();
    let mut script = Command::new("/usr/bin/script");
    script.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        script.current_dir(folder);
    }
    script
}

/// Runs a program that shows a device code, and has `approve` play the person who reads it, once for each new code.
///
/// # Errors
/// When it cannot be started, takes too long, or `approve` fails.
pub fn with_device_code(
    mut command: Command,
    mut approve: impl FnMut(&str) -> Result<()>,
) -> Result<Attended> {
    let mut known: Vec<String> = Vec::new();
    attend(&mut command, |said| {
        for code in said.lines().filter(|line| line.contains("code")).filter_map(user_code) {
            if !known.contains(&code) {
                known.push(code.clone());
                approve(&code)?;
            }
        }
        Ok(())
    })
}

/// Runs a program and shows `see` everything it said so far, each time there is a new whole line.
///
/// # Errors
/// When it cannot be started, takes too long, or `see` fails.
pub fn attend(command: &mut Command, mut see: impl FnMut(&str) -> Result<()>) -> Result<Attended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let outcome = listen(&mut child, &mut see);
    if outcome.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    Ok(Attended { said: outcome?, status: child.wait()? })
}

fn listen(child: &mut Child, see: &mut impl FnMut(&str) -> Result<()>) -> Result<String> {
    let (to, pieces) = mpsc::channel();
    pump(child.stdout.take().context("no standard output")?, to.clone());
    pump(child.stderr.take().context("no standard error")?, to);
    let deadline = Instant::now() + PATIENCE;
    let (mut said, mut has_ended) = (Vec::new(), false);
    loop {
        match pieces.recv_timeout(PAUSE) {
            Ok(piece) => {
                said.extend_from_slice(&piece);
                let whole = said.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                see(&String::from_utf8_lossy(&said[..whole]))?;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            // Programs that it started may hold its streams open long after its end. What it said last may be on its way
            // when it is found to have ended.
            Err(mpsc::RecvTimeoutError::Timeout) if has_ended => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                has_ended = child.try_wait()?.is_some();
                if !has_ended && Instant::now() > deadline {
                    bail!("not done in {} s: {}", PATIENCE.as_secs(), String::from_utf8_lossy(&said));
                }
            }
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn pump(mut from: impl Read + Send + 'static, to: mpsc::Sender<Vec<u8>>) {
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if to.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
}
