//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hands out short-lived keys for Azure DevOps to this user's programs.
///
/// It is started by need; `valetkey agent start|stop|restart` does so by hand.
#[derive(Debug, Parser)]
#[command(name = "valetkey-agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve this user until stopped or idle.
    ///
    /// Standard output gets one line: `ready`, or `failed`, what is wrong, a tab, and what to do. The exit code is 1 if
    /// the agent cannot begin, also because another one is running, and 0 after it has served.
    Run {
        /// Leave the terminal, and log to a file.
        #[arg(long)]
        background: bool,
    },
}

/// The whole program.
pub fn main() -> ExitCode {
    let Command::Run { background } = Arguments::parse().command;
    crate::run::run(background)
}
