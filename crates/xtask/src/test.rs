//! `cargo xtask test`: everything that has to hold, on a machine that may have nothing but Rust.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    build::{self, Speed},
    clients, dotnet, fidelity, fuzz, matrix, packages,
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

/// What the test runner counted.
#[derive(Default, Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    packages::ensure()?;
    let clients = clients::ensure(args.without_clients)?;
    if !args.no_lint {
        must(cargo().args(["fmt", "--all", "--check"]), "cargo fmt --check")?;
        let mut clippy = cargo();
        clippy.args([
            "clippy",
            "--quiet",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]);
        must(&mut clippy, "cargo clippy")?;
    }
    let programs = build::programs(Speed::Quick)?;
    let skips = target_dir()?.join("skipped-tests.txt");
    let cells = target_dir()?.join("client-matrix.txt");
    for file in [&skips, &cells] {
        fs::write(file, "")?;
    }
    let mut tests = cargo();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    tests.args(args.filter.as_deref().map(|filter| ["--", filter]).iter().flatten());
    tests.env("VALETKEY_PROGRAMS", &programs.dir).env("VALETKEY_SKIPS", &skips);
    tests.env(matrix::FILE, &cells).env(clients::FOLDER, &clients);
    if let Some(program) = dotnet::program()? {
        tests.env(dotnet::PROGRAM, program);
    }
    let told = fidelity::begin(&mut tests)?;
    let (ok, mut counts) = count(&mut tests)?;
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
    let summary = format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    writeln!(std::io::stdout(), "{summary}")?;
    Ok(if ok && counts.failed == 0 && counts.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests, passing their output through, and adds up the runner's closing lines.
fn count(tests: &mut Command) -> Result<(bool, Counts)> {
    say("==> cargo test");
    let mut child =
        tests.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start cargo test")?;
    let out = child.stdout.take().context("no output of cargo test")?;
    let mut counts = Counts::default();
    for line in BufReader::new(out).lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        add(&mut counts, &line);
    }
    Ok((child.wait()?.success(), counts))
}

fn add(counts: &mut Counts, line: &str) {
    let Some(rest) = line.strip_prefix("test result: ") else { return };
    for part in rest.split([';', '.']) {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match what {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" => counts.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_added_up() {
        let mut counts = Counts::default();
        add(
            &mut counts,
            "test result: ok. 14 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.06s",
        );
        add(
            &mut counts,
            "test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
        );
        add(&mut counts, "test a::b ... ok");
        assert_eq!(counts, Counts { passed: 15, failed: 3, skipped: 2 });
    }
}
