//! The exit codes: the only numbers a script may rely on.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// Refused, or not as it should be; standard error says why and what to do next.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// No agent could be reached.
    NoAgent = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table for `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done
  1  refused, or something needs attention: standard error says what and the next step
  2  the command line is wrong
  3  no agent could be reached";
