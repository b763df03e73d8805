//! MSAL for Python, driven by a script beside this file.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{APP_MINT, MANAGED_IDENTITY};

use super::{
    Flow, Needs, Stage,
    desk::{Choice, Desk},
};
use crate::cover;

/// Its flows.
pub const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "instance discovery", needs: NEEDS, run: |stage| play(stage, "discovery") },
    Flow { client: CLIENT, name: "browser", needs: BROWSER, run: |stage| play(stage, "browser") },
    Flow { client: CLIENT, name: "device code", needs: NEEDS, run: |stage| play(stage, "device") },
    Flow { client: CLIENT, name: "silent refresh", needs: NEEDS, run: |stage| play(stage, "silent") },
    Flow { client: CLIENT, name: "claims challenge", needs: NEEDS, run: |stage| play(stage, "claims") },
    Flow { client: CLIENT, name: "errors", needs: NEEDS, run: |stage| play(stage, "errors") },
    Flow { client: CLIENT, name: "managed identity", needs: NEEDS, run: managed },
];

const CLIENT: &str = "MSAL for Python";
const PYTHON: &str = "python/bin/python";
/// Where MSAL looks for the keys of an Azure Arc agent.
const TOKENS: &str = "/var/opt/azcmagent/tokens";
const NEEDS: Needs = Needs { programs: &[], clients: &[PYTHON], dotnet: false };
const BROWSER: Needs =
    Needs { programs: &["mkfifo", "chromium", "chromedriver"], clients: &[PYTHON], dotnet: false };

/// Says what it wants done on a line of its own, and reads that it was done.
const SCRIPT: &str = include_str!("with_msal.py");

/// Of a virtual machine, of an app service, and of a server that Azure Arc connects.
fn managed(stage: &mut Stage) -> Result<String> {
    cover("/var/opt")?;
    fs::create_dir_all(TOKENS)?;
    let (service, arc) = (stage.control().app_service(), stage.control().arc(Path::new(TOKENS)));
    for (name, value) in [
        ("SERVICE_ENDPOINT", service.endpoint),
        ("SERVICE_HEADER", service.header),
        ("ARC_ENDPOINT", arc.endpoint),
        ("ARC_IMDS", arc.imds),
        ("IDENTITY", MANAGED_IDENTITY.to_owned()),
    ] {
        stage.sandbox.set(name, value);
    }
    let version = play(stage, "managed")?;
    ensure!(fs::read_dir(TOKENS)?.count() == 0, "a key was never shown");
    Ok(version)
}

fn play(stage: &mut Stage, step: &str) -> Result<String> {
    let desk = Desk::new(stage, "browser")?;
    let mut command = stage.command(stage.client(PYTHON)?);
    // BROWSER: Python's `webbrowser`, which MSAL opens addresses with.
    command.args(["-c", SCRIPT, step, APP_MINT]).env("BROWSER", "browser %s");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let version = attend(stage, &desk, child).with_context(|| format!("at `{step}`"))?;
    Ok(version)
}

fn attend(stage: &Stage, desk: &Desk<'_>, mut child: Child) -> Result<String> {
    let mut wrong = child.stderr.take().context("no standard error")?;
    let wrong = thread::spawn(move || {
        let mut text = String::new();
        wrong.read_to_string(&mut text).map(|_| text)
    });
    let mut answers = child.stdin.take().context("no standard input")?;
    let wishes = BufReader::new(child.stdout.take().context("no standard output")?);
    let mut last = String::new();
    for wish in wishes.lines() {
        let wish = wish?;
        let done = match wish.split_once(' ') {
            Some(("tell", rest)) => tell(stage, rest),
            Some(("person", choice)) => serve(desk, choice),
            _ => {
                last = wish;
                continue;
            }
        };
        if let Err(error) = done {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        answers.write_all(b"done\n")?;
    }
    drop(answers);
    let status = child.wait()?;
    let wrong = wrong.join().unwrap_or_else(|_| Ok(String::new()))?;
    if !status.success() {
        // Python says what was wrong at the end of its traceback.
        let last = wrong.trim().lines().next_back().unwrap_or_default();
        bail!("the script ended with {status}: {last}\n{wrong}");
    }
    Ok(last)
}

fn tell(stage: &Stage, wish: &str) -> Result<()> {
    let (path, body) = wish.split_once(' ').context("no body")?;
    let body: Value = serde_json::from_str(body)?;
    stage.tell(path, body).map(|_| ())
}

fn serve(desk: &Desk<'_>, choice: &str) -> Result<()> {
    match choice {
        "signs in" => desk.serve(Choice::SignIn, "Authentication complete"),
        "cancels" => desk.serve(Choice::Cancel, "Authentication failed"),
        other => bail!("a person who {other}?"),
    }
}
