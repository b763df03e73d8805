//! The project's own commands: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`.

mod bench;
mod build;
mod clients;
mod demo;
mod dotnet;
mod fidelity;
mod fuzz;
mod matrix;
mod packages;
mod runner;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Valetkey's own commands", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the main job against the embedded emulator: sign in, clone, push, fetch, sign out
    Demo(demo::Args),
    /// Install what the tests need, then run every one of them
    Test(test::Args),
    /// Clients of other people against our emulator, our programs against servers of other people: a table
    Fidelity(fidelity::Args),
    /// Feed the decoders random input
    Fuzz(fuzz::Args),
    /// Measure the helpers and the agent, and print ratios
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Fidelity(args) => fidelity::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        runner::say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
