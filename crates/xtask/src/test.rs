//! `cargo xtask test`: everything that has to hold, on a machine that may have nothing but Rust.

use std::{fmt::Write as _, fs, io::Write as _, process::ExitCode};

use anyhow::Result;

use crate::{
    build::{self, Speed},
    clients, dotnet, fidelity, fuzz, matrix,
    outcome::{self, Outcome},
    packages,
    runner::{cargo, must, say, target_dir},
};

/// Inputs each fuzz target gets here; `cargo xtask fuzz` gives more.
const FUZZ_INPUTS: u64 = 50_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave formatting and lints out
    #[arg(long)]
    no_lint: bool,
    /// Leave out the clients of others from npm and PyPI (1.4 GB); the tests that need them count as skipped
    #[arg(long)]
    without_clients: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    packages::ensure()?;
    let clients = clients::ensure(args.without_clients)?;
    if !args.no_lint {
        lint()?;
    }
    let programs = build::programs(Speed::Quick)?;
    let skips = target_dir()?.join("skipped-tests.txt");
    let cells = target_dir()?.join("client-matrix.txt");
    for file in [&skips, &cells] {
        fs::write(file, "")?;
    }
    let told = fidelity::begin()?;
    let dotnet = dotnet::program()?;
    let tests = || {
        let mut tests = cargo();
        tests.args(["test", "--locked", "--workspace", "--no-fail-fast", "--"]);
        tests.env("VALETKEY_PROGRAMS", &programs.dir).env("VALETKEY_SKIPS", &skips);
        tests.env(matrix::FILE, &cells).env(clients::FOLDER, &clients).env(fidelity::FILE, &told);
        tests.envs(dotnet.as_deref().map(|program| (dotnet::PROGRAM, program)));
        tests
    };
    say("==> cargo test");
    let mut outcome = outcome::of(tests().args(&args.filter))?;
    if outcome.may_be_unsteady() {
        say("==> what failed, by itself");
        let again = outcome::of(tests().arg("--exact").args(&outcome.failing))?;
        outcome.settle(&again);
    }
    let Outcome { ok, mut counts, unsteady, .. } = outcome;
    if fuzz::smoke(FUZZ_INPUTS)? {
        counts.passed += 1;
    } else {
        say("skipped: fuzz: no C++ compiler to build libFuzzer with");
        counts.skipped += 1;
    }
    let skipped = fs::read_to_string(&skips)?;
    for line in skipped.lines() {
        say(&format!("skipped: {line}"));
        // A test that skips itself returns early, so the runner counted it as passed.
        counts.passed = counts.passed.saturating_sub(1);
        counts.skipped += 1;
    }
    if let Some(table) = matrix::table(&fs::read_to_string(&cells)?) {
        writeln!(std::io::stdout(), "\nclients and what each was seen to do:\n\n{table}")?;
    }
    fidelity::show(&told)?;
    for name in &unsteady {
        say(&format!("unsteady: {name}: it failed among the others and passed by itself"));
    }
    let mut summary =
        format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    if !unsteady.is_empty() {
        let _ = write!(summary, ", {} unsteady", unsteady.len());
    }
    writeln!(std::io::stdout(), "{summary}")?;
    Ok(if ok && counts.failed == 0 && counts.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lint() -> Result<()> {
    must(cargo().args(["fmt", "--all", "--check"]), "cargo fmt --check")?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--quiet", "--locked", "--workspace", "--all-targets"]);
    must(clippy.args(["--", "-D", "warnings"]), "cargo clippy")
}
