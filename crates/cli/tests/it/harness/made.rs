//! What came of a run.

use std::fmt::Write as _;

use valetkey_cli::Exit;

/// A run that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) asked: Vec<String>,
    pub(super) opened: Vec<String>,
    pub(crate) ran: Vec<String>,
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = format!("exit: {} ({:?})\n", self.exit.code(), self.exit);
        for asked in &self.asked {
            writeln!(text, "asked: {asked}")?;
        }
        for url in &self.opened {
            writeln!(text, "opened: {url}")?;
        }
        for ran in &self.ran {
            writeln!(text, "ran: {ran}")?;
        }
        for (name, stream) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !stream.is_empty() {
                write!(text, "----- {name} -----\n{stream}")?;
            }
        }
        f.write_str(text.trim_end())
    }
}
