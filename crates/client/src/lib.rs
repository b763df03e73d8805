//! A blocking connection to the agent, for programs that live for a millisecond.
//!
//! [`Connection::open`] looks who serves the socket before it sends a byte, shakes hands, and where it is told to
//! starts the agent first. Everything has a deadline, and every failure is one line of what and one line of what to
//! do next.

mod connection;
mod error;
#[cfg(test)]
#[cfg(unix)]
mod fake;
mod greeting;
mod processes;
mod start;
mod timed;

pub use connection::{ANSWER_DEADLINE, Agent, Connection, STREAM_DEADLINE};
pub use error::{ClientError, Phase};
pub use greeting::{Greeting, Pending};
pub use processes::{Process, Processes, SystemProcesses};
pub use start::{Start, agent_program};
