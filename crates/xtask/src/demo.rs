//! `cargo xtask demo`: builds the programs, then starts the demo, which is a program of its own.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{
    build::{self, Speed},
    dotnet,
    runner::say,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the emulator and the agent running, and print the lines to play with them
    #[arg(long, conflicts_with = "json")]
    keep: bool,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Optimise every program, not only the helpers (minutes longer the first time)
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let programs = build::programs(if args.release { Speed::Released } else { Speed::Quick })?;
    let mut demo = Command::new(programs.dir.join("valetkey-demo"));
    demo.arg("--programs").arg(&programs.dir);
    demo.args(args.keep.then_some("--keep")).args(args.json.then_some("--json"));
    if let Some(program) = dotnet::program()? {
        demo.env(dotnet::PROGRAM, program);
    }
    say("==> the main job");
    let status = demo.status().context("cannot start the demo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
