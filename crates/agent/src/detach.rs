//! Leaving the terminal, and telling whoever started the agent that it serves.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

use rustix::stdio;
use valetkey_protocol::shown;

/// The line on standard output that a starter waits for: `ready`, or `failed`, a sentence, a tab, and a hint. In the
/// background, standard output leads nowhere afterwards, so that the starter sees its end.
#[derive(Debug)]
#[must_use]
pub(crate) struct Readiness {
    background: bool,
}

impl Readiness {
    pub(crate) fn new(background: bool) -> Self {
        Self { background }
    }

    pub(crate) fn ready(self) {
        self.say("ready\n");
    }

    pub(crate) fn failed(self, sentence: &str, hint: &str) {
        self.say(&format!("failed {}\t{}\n", shown(sentence), shown(hint)));
    }

    fn say(self, line: &str) {
        let mut out = io::stdout();
        // A starter that has gone wants no answer.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        if self.background
            && let Ok(null) = null()
        {
            let _ = stdio::dup2_stdout(null);
        }
    }
}

/// Leaves session, folder, standard input and standard error of the starter.
pub(crate) fn detach() -> io::Result<()> {
    // Refused to the leader of a process group, which a shell makes of every job; all else still holds.
    let _ = rustix::process::setsid();
    rustix::process::chdir(Path::new("/"))?;
    let null = null()?;
    stdio::dup2_stdin(&null)?;
    stdio::dup2_stderr(&null)?;
    Ok(())
}

fn null() -> io::Result<std::fs::File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}
