//! `valetkey`, the program for people: arguments, questions to the agent, and answers as a person or a script reads
//! them.
//!
//! Standard output carries data only; everything said to a person goes to standard error as `error:`, `warning:` or
//! `hint:` lines. [`Exit`] lists the exit codes. No verb shows a key or a token
//! unasked; `exec` and `nuget push` hand one to the program they run, `pat` to the place that was chosen.

mod agent;
mod args;
mod doctor;
mod duration;
mod environment;
mod exit;
mod failure;
mod nuget;
mod organisation;
mod pat;
mod programs;
mod publishing;
mod real;
mod setup;
mod style;
mod table;
mod verbs;
mod world;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser as _;

pub use crate::{
    agent::{Agent, Start, Unreachable},
    environment::Environment,
    exit::Exit,
    programs::Programs,
    publishing::{NoKey, Publishing},
    setup::Git,
    world::{Person, Place, Screen, Shown, World},
};

/// Runs one command line, the program's name first, in a world.
pub fn run(command_line: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Exit {
    let args = match args::Args::try_parse_from(command_line) {
        Ok(args) => args,
        Err(error) => return args::explain(&error, world),
    };
    let outcome = verbs::run(args.verb, world).and_then(|exit| {
        world.out.flush()?;
        Ok(exit)
    });
    outcome.unwrap_or_else(|failure| failure.report(world.err))
}

/// The program: the process's own arguments and streams.
pub fn main() -> ExitCode {
    real::run(std::env::args_os()).into()
}
