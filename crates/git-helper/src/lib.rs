//! `git-credential-valetkey`: answers git's credential helper protocol (git's `gitcredentials` and `git-credential`
//! manuals) with keys that the agent mints.
//!
//! It decides nothing about rights. It takes only input that can mean one thing, passes it to the agent, and prints
//! only values that cannot start a line of their own. For hosts that are not Azure DevOps it says nothing, so that
//! git's other helpers are asked.

mod agent;
mod caller;
mod erase;
mod get;
mod input;
mod output;
mod trace;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    process::ExitCode,
};

use valetkey_paths::env;

pub use agent::{Ask, LocalAgent, Reach};
pub use valetkey_client::{Process, Processes, SystemProcesses};

use crate::{output::Answering, trace::Trace};

/// What the helper sees of the world besides its streams.
#[derive(Debug)]
pub struct World<A, P> {
    /// The way to the agent.
    pub agent: A,
    /// The running processes, of which only those above this one are looked at.
    pub processes: P,
    /// Whether to mirror the conversation to standard error.
    pub trace: bool,
}

/// Answers git over this process's streams.
pub fn main() -> ExitCode {
    let mut world = World { agent: LocalAgent, processes: SystemProcesses, trace: env::TRACE.is_on() };
    let arguments = std::env::args_os().skip(1);
    let status = run(arguments, io::stdin().lock(), io::stdout().lock(), io::stderr().lock(), &mut world);
    ExitCode::from(status)
}

/// Answers one call. The exit code is 0 for whatever git may ask: a refusal is said in the answer, and what a later
/// git asks is none of an error.
pub fn run<A: Ask, P: Processes>(
    arguments: impl IntoIterator<Item = OsString>,
    stdin: impl Read,
    mut stdout: impl Write,
    mut stderr: impl Write,
    world: &mut World<A, P>,
) -> u8 {
    // git appends the operation to whatever is configured.
    let Some(operation) = arguments.into_iter().last() else {
        let _ = writeln!(stderr, "usage: git-credential-valetkey get|store|erase|capability");
        return 2;
    };
    let mut trace = Trace::new(world.trace, &mut stderr);
    let answer = match operation.to_str() {
        Some("get") => get::get(stdin, world, &mut trace),
        Some("erase") => {
            erase::erase(stdin, world, &mut trace);
            Answering::silent()
        }
        Some("store") => {
            input::drain(stdin);
            Answering::silent()
        }
        Some("capability") => Answering::capabilities(),
        Some("--version") => Answering::version(),
        _ => Answering::silent(),
    };
    trace.output(&answer.stdout);
    // A git that no longer listens cannot be told so.
    let _ = stdout.write_all(answer.stdout.as_bytes()).and_then(|()| stdout.flush());
    let _ = stderr.write_all(answer.stderr.as_bytes());
    0
}

#[cfg(test)]
mod tests;
