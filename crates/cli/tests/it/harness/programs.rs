//! Programs that are written down and not run, and the pipeline that a run takes place in.

use std::{collections::VecDeque, fmt::Write as _, io, process::Command};

use valetkey_cli::{Exit, NoKey, Programs, Publishing};
use valetkey_protocol::{ExposeSecret as _, SecretString};

/// Programs that are written down and not run.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(super) ran: Vec<String>,
    pub(super) exits: VecDeque<u8>,
    pub(super) says: VecDeque<String>,
}

impl Recorder {
    fn note(&mut self, how: &str, command: &Command) -> Exit {
        let mut line = how.to_owned();
        for (name, value) in command.get_envs() {
            write!(line, " {}={}", name.display(), value.unwrap_or_default().display()).unwrap();
        }
        write!(line, " {}", command.get_program().display()).unwrap();
        for arg in command.get_args() {
            write!(line, " {}", arg.display()).unwrap();
        }
        self.ran.push(line);
        Exit::Other(self.exits.pop_front().unwrap_or(0))
    }
}

impl Programs for Recorder {
    fn hold(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn let_go(&mut self) {}

    fn instead(&mut self, command: &mut Command) -> io::Result<Exit> {
        Ok(self.note("instead", command))
    }

    fn feed(&mut self, command: &mut Command, secret: &SecretString) -> io::Result<Exit> {
        Ok(self.note(&format!("fed {}", secret.expose_secret()), command))
    }

    fn wait(&mut self, command: &mut Command) -> io::Result<Exit> {
        Ok(self.note("wait", command))
    }

    fn overhear(&mut self, command: &mut Command, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit> {
        let exit = self.note("overhear", command);
        self.says.pop_front().unwrap_or_default().lines().for_each(on_line);
        Ok(exit)
    }
}

/// A pipeline with this key for everybody, or none.
pub(super) struct Pipeline(pub(super) Option<String>);

impl Publishing for Pipeline {
    fn key(&mut self, gallery: &str, profile: &str) -> Result<SecretString, NoKey> {
        self.0.as_ref().map(|key| format!("{key}-of-{profile}-at-{gallery}").into()).ok_or_else(|| NoKey {
            sentence: "this is no pipeline".to_owned(),
            hint: "leave it out".to_owned(),
        })
    }
}
