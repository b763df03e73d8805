//! The demo leaves nothing behind, however it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::programs;

#[test]
fn a_kept_demo_that_is_interrupted_leaves_nothing_behind() -> Result<()> {
    let programs = programs()?;
    for signal in ["INT", "TERM", "HUP"] {
        let folder = tempfile::Builder::new().prefix("t").tempdir()?;
        let mut demo = Command::new(programs.join("valetkey-demo"))
            .arg("--programs")
            .arg(&programs)
            .arg("--keep")
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("valetkey-demo: run `cargo xtask test`")?;
        let said = BufReader::new(demo.stdout.take().context("no output")?).lines().map_while(Result::ok);
        let mut agent = None;
        for line in said {
            agent = agent.or_else(|| line.split_once(", pid ").map(|(_, pid)| pid.to_owned()));
            if line.contains("ends it.") {
                let kill = Command::new("kill").args(["-s", signal, &demo.id().to_string()]).status()?;
                ensure!(kill.success(), "the demo could not be interrupted");
            }
        }
        ensure!(demo.wait()?.success(), "{signal} killed it");
        let left: Vec<_> = fs::read_dir(folder.path())?.flatten().map(|entry| entry.file_name()).collect();
        ensure!(left.is_empty(), "after {signal}: {left:?}");
        let agent = Path::new("/proc").join(agent.context("no agent was named")?).join("cmdline");
        ensure!(ends(&agent), "after {signal} the agent runs on");
    }
    Ok(())
}

/// An agent that has stopped has let go of everything; that its process is gone comes right after.
fn ends(agent: &Path) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while String::from_utf8_lossy(&fs::read(agent).unwrap_or_default()).contains("valetkey-agent") {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}
