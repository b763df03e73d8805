//! What a person watches. With `--json` it goes to standard error, so that standard output holds one object.

use std::io::Write as _;

/// Prints steps and facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub(crate) json: bool,
}

impl Console {
    /// A step that begins.
    pub(crate) fn step(self, number: u32, text: &str) {
        self.line(&format!("\n{number}. {text}"));
    }

    /// A fact below a step.
    pub(crate) fn fact(self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(&format!("   {line}"));
        }
    }

    /// A line as it is.
    pub(crate) fn line(self, text: &str) {
        let _ = if self.json {
            writeln!(std::io::stderr(), "{text}")
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
    }
}
