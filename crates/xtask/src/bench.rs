//! `cargo xtask bench`: whole-process figures, printed as ratios of one run. The exit code tells whether every
//! hold was met.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{
    build::{self, Speed},
    clients, dotnet,
    runner::say,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Counted rounds of each pair
    #[arg(long, default_value_t = 60)]
    rounds: u32,
    /// Measure debug builds of the agent and the command line: quicker to build, and some holds are missed
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let programs = build::programs(if args.quick { Speed::Quick } else { Speed::Released })?;
    let mut bench = Command::new(programs.dir.join("valetkey-demo"));
    bench.arg("--programs").arg(&programs.dir).args(["--bench", &args.rounds.to_string()]);
    bench.arg("--bench-plugin").arg(build::bench_plugin()?);
    bench.env(clients::FOLDER, clients::ensure(true)?);
    if let Some(program) = dotnet::program()? {
        bench.env(dotnet::PROGRAM, program);
    }
    say("==> benchmarks");
    let status = bench.status().context("cannot start the benchmarks")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
