//! The exit codes: the only numbers a script may rely on.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done,
    /// Refused, or not as it should be; standard error says why and what to do next.
    Refused,
    /// The command line is wrong.
    Usage,
    /// No agent could be reached.
    NoAgent,
    /// What a program that was run for the person ended with.
    Other(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NoAgent => 3,
            Self::Other(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table for `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done
  1  refused, or something needs attention: standard error says what and the next step
  2  the command line is wrong
  3  no agent could be reached";
