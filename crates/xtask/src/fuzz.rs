//! `cargo xtask fuzz`: the decoders under libFuzzer, with the stable compiler and no further tool.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};

use crate::runner::{cargo, must, on_path, target_dir, workspace};

/// Every target in `tests/fuzz`.
const TARGETS: [&str; 5] = ["frame", "challenge", "git_input", "nuget_line", "nupkg"];

/// What cargo-fuzz passes, without the address sanitizer: there is no `unsafe` here to sanitise.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Inputs for each target
    #[arg(long, default_value_t = 2_000_000)]
    runs: u64,
    /// Only this target
    target: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let wanted = TARGETS.into_iter().filter(|name| args.target.as_deref().is_none_or(|only| only == *name));
    targets(&wanted.collect::<Vec<_>>(), args.runs)?;
    Ok(ExitCode::SUCCESS)
}

/// Every target for a bounded number of inputs; the first crash is an error. Without a C++ compiler libFuzzer cannot
/// be built: then it is said, and `false` returned.
pub(crate) fn smoke(runs: u64) -> Result<bool> {
    let here = ["c++", "g++", "clang++"].into_iter().any(on_path);
    if here {
        targets(&TARGETS, runs)?;
    }
    Ok(here)
}

fn targets(names: &[&str], runs: u64) -> Result<()> {
    let built = build()?;
    for name in names {
        let corpus = workspace().join("tests/fuzz/corpus").join(name);
        std::fs::create_dir_all(&corpus)?;
        let mut fuzz = Command::new(built.join(name));
        fuzz.current_dir(&built).arg(&corpus);
        fuzz.args([
            format!("-runs={runs}"),
            "-max_len=4096".into(),
            "-timeout=10".into(),
            "-verbosity=0".into(),
        ]);
        must(&mut fuzz, &format!("fuzz {name}, {runs} inputs"))?;
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    let into = target_dir()?.join("fuzz");
    let mut build = cargo();
    let host = host()?;
    build.args(["build", "--quiet", "--release", "--manifest-path", "tests/fuzz/Cargo.toml"]);
    // With a target named, build scripts and macros are left without instrumentation.
    build.args(["--target", &host]);
    build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &into);
    must(&mut build, "cargo build (fuzz targets)")?;
    Ok(into.join(host).join("release"))
}

/// The triple of this machine, as rustc names it.
fn host() -> Result<String> {
    let out = Command::new("rustc").args(["--version", "--verbose"]).output().context("rustc")?;
    let text = String::from_utf8(out.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}
