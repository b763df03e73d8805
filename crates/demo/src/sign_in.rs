//! Signing in with nobody at the keyboard.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{Ran, Sandbox};

/// How long a sign-in may take in all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `valetkey login` with a device code and has `approve` play the person who types it. `more` are further
/// arguments of `login`.
pub fn sign_in_with_device_code(
    sandbox: &Sandbox,
    more: &[&str],
    approve: impl FnOnce(&str) -> Result<()>,
) -> Result<Ran> {
    let mut command = sandbox.command("valetkey");
    command.args(["login", "--device-code"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().context("cannot start `valetkey login`")?;
    let lines = read_both(&mut child)?;
    let mut seen = (Vec::new(), Vec::new());
    let mut approve = Some(approve);
    let deadline = started + PATIENCE;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((from_stderr, line)) => {
                if let (Some(code), Some(_)) = (user_code(&line), approve.as_ref()) {
                    approve.take().context("approved twice")?(&code)?;
                }
                let sink = if from_stderr { &mut seen.1 } else { &mut seen.0 };
                sink.extend_from_slice(line.as_bytes());
                sink.push(b'\n');
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                bail!("signing in took over {} s: {}", PATIENCE.as_secs(), String::from_utf8_lossy(&seen.1));
            }
        }
    }
    let status = child.wait()?;
    let output = std::process::Output { status, stdout: seen.0, stderr: seen.1 };
    Ok(Ran { output, took: started.elapsed() })
}

/// The code in a line shown to a person: one word of eight to ten capitals and digits.
pub fn user_code(line: &str) -> Option<String> {
    let is_code = |word: &&str| {
        (8..=10).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
            && word.bytes().any(|b| b.is_ascii_uppercase())
    };
    line.split(|c: char| c.is_whitespace() || "`'\".,:".contains(c)).find(is_code).map(str::to_owned)
}

type Lines = mpsc::Receiver<(bool, String)>;

fn read_both(child: &mut Child) -> Result<Lines> {
    let (to, lines) = mpsc::channel();
    let out = child.stdout.take().context("no standard output")?;
    let err = child.stderr.take().context("no standard error")?;
    pump(out, false, to.clone());
    pump(err, true, to);
    Ok(lines)
}

fn pump(from: impl Read + Send + 'static, from_stderr: bool, to: mpsc::Sender<(bool, String)>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send((from_stderr, line)).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_and_words_are_not() {
        assert_eq!(user_code("  enter the code DAQCVZ3DM to go on").as_deref(), Some("DAQCVZ3DM"));
        assert_eq!(user_code("code: `ABCD-EFGH`").as_deref(), Some("ABCD-EFGH"));
        assert_eq!(user_code("To sign in, open https://microsoft.com/devicelogin"), None);
        assert_eq!(user_code("it lives for 15 minutes"), None);
    }
}
