//! Why the agent did not answer.

use std::{io, path::PathBuf};

use valetkey_paths::PathError;
use valetkey_protocol::{FrameError, Refusal};

/// A conversation with the agent that did not come about or broke off. A refusal *within* a conversation is not an
/// error but [`valetkey_protocol::Answer::Refused`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens, and none was to be started.
    #[error("the agent is not running")]
    NoAgent,
    /// The agent's program is not where it belongs, or cannot be run.
    #[error("`{}` cannot be started: {source}", .program.display())]
    NotInstalled {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The agent was started and said that it cannot work, or said nothing.
    #[error("{sentence}")]
    AgentFailed {
        /// What is wrong.
        sentence: String,
        /// What to do.
        hint: String,
    },
    /// Another user serves the socket. Nothing was sent.
    #[error("`{}` is served by another user{}", .socket.display(), .user.map(|id| format!(" ({id})")).unwrap_or_default())]
    WrongOwner {
        /// The socket.
        socket: PathBuf,
        /// The other user's id, where the system tells it.
        user: Option<u32>,
    },
    /// The running agent is of another version.
    #[error("{}", .0.sentence)]
    Version(Refusal),
    /// The agent refused the connection for another reason.
    #[error("{}", .0.sentence)]
    Refused(Refusal),
    /// It took too long.
    #[error("the agent did not {0} in time")]
    TimedOut(Phase),
    /// The agent closed the connection, or died.
    #[error("the agent went away before it could {0}")]
    Broken(Phase),
    /// The agent sent something that no agent sends.
    #[error("the agent's answer is not understood")]
    Garbled,
    /// The question does not fit into a frame.
    #[error("the request is larger than the agent takes")]
    TooLarge,
    /// The socket cannot be used.
    #[error("`{}` cannot be reached: {source}", .socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A folder cannot be used or trusted.
    #[error(transparent)]
    Place(#[from] PathError),
}

/// What the agent was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Become ready.
    Start,
    /// Take the connection.
    Connect,
    /// Say its version.
    Greet,
    /// Answer a question.
    Answer,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Connect => "take the connection",
            Self::Greet => "greet",
            Self::Answer => "answer",
        })
    }
}

impl ClientError {
    /// What is wrong: one line, no full stop.
    pub fn sentence(&self) -> String {
        valetkey_protocol::without_errno(&self.to_string())
    }

    /// What to do next: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::NoAgent => "run `valetkey agent start`".to_owned(),
            Self::NotInstalled { .. } => {
                "install Valetkey again: `valetkey-agent` belongs into the folder of this program".to_owned()
            }
            Self::AgentFailed { hint, .. } => hint.clone(),
            Self::WrongOwner { socket, .. } => {
                format!("run this as the user who signed in, or remove `{}`", socket.display())
            }
            Self::Version(refusal) | Self::Refused(refusal) => refusal.hint.clone(),
            Self::TimedOut(Phase::Start) => "run `valetkey agent run` to see why".to_owned(),
            Self::TimedOut(_) | Self::Garbled => "run `valetkey agent restart`".to_owned(),
            Self::Broken(_) => "try again; if it happens twice, run `valetkey agent restart`".to_owned(),
            Self::TooLarge => "ask for less at once".to_owned(),
            Self::Unreachable { socket, .. } => format!("check the permissions of `{}`", socket.display()),
            Self::Place(error) => error.hint(),
        }
    }

    pub(crate) fn from_frame(error: FrameError, phase: Phase) -> Self {
        match error {
            FrameError::Io(source) if source.kind() == io::ErrorKind::TimedOut => Self::TimedOut(phase),
            FrameError::Closed | FrameError::Io(_) => Self::Broken(phase),
            _ => Self::Garbled,
        }
    }
}
