//! The example `vault_probe` in a process of its own.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// No answer takes this long unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `vault_probe`.
pub(crate) struct Probe {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// A command that runs `vault_probe`, without any variable of this process.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear();
    command
}

/// Where cargo puts examples: beside the folder of the test binaries.
pub(crate) fn program() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let program = folder.join("vault_probe");
    assert!(
        program.is_file(),
        "`cargo test -p valetkey-vault` builds the example these tests drive, `--test it` does not"
    );
    program
}

impl Probe {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { input: child.stdin.take(), child, lines }
    }

    /// Sends one line and waits for its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.next().unwrap_or_else(|| panic!("no answer to `{line}`"))
    }

    /// The answer to the oldest line that has none yet.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.lines.recv_timeout(PATIENCE).ok()
    }

    /// The same, or nothing where the process could not even begin.
    pub(crate) fn try_ask(&mut self, line: &str) -> Option<String> {
        writeln!(self.input.as_mut()?, "{line}").ok()?;
        self.next()
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends it without any warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
