//! Building the programs that demo, tests and benchmarks start.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::runner::{cargo, must, target_dir};

/// Where the programs were put, side by side, as an installation has them.
pub(crate) struct Programs {
    /// The folder.
    pub(crate) dir: PathBuf,
}

/// The programs that git and NuGet start: package and program.
const HELPERS: [(&str, &str); 2] =
    [("valetkey-git-helper", "git-credential-valetkey"), ("valetkey-nuget-helper", "nuget-plugin-valetkey")];

/// How much the agent and the command line are optimised. The helpers always are: they are what is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speed {
    Quick,
    Released,
}

/// The plugin that does nothing, for the benchmarks, built as the real one is. It is put into a folder of its own, under
/// a name that NuGet takes.
pub(crate) fn bench_plugin() -> Result<PathBuf> {
    helper("valetkey-bench-plugin", "bench-plugin")?;
    let target = target_dir()?;
    let exe = std::env::consts::EXE_SUFFIX;
    let dir = target.join("programs").join("bench");
    std::fs::create_dir_all(&dir)?;
    let plugin = dir.join(format!("nuget-plugin-nothing{exe}"));
    std::fs::copy(target.join("helper").join(format!("bench-plugin{exe}")), &plugin)
        .context("the do-nothing plugin was not built")?;
    Ok(plugin)
}

/// Builds every shipped program and the demo, and puts them into one folder.
pub(crate) fn programs(speed: Speed) -> Result<Programs> {
    let profile = if speed == Speed::Quick { "dev" } else { "release" };
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--bins", "--profile", profile]);
    for package in ["valetkey-agent", "valetkey-cli", "valetkey-demo", "valetkey-emulator"] {
        build.args(["--package", package]);
    }
    must(&mut build, &format!("cargo build ({profile}): agent, command line, emulator"))?;
    for (package, program) in HELPERS {
        helper(package, program)?;
    }
    gather(profile)
}

fn helper(package: &str, program: &str) -> Result<()> {
    let mut build = cargo();
    // Helpers look no names up, so they can be linked statically, which saves a quarter of their start.
    build.args(["rustc", "--quiet", "--locked", "--profile", "helper", "--package", package]);
    build.args(["--bin", program, "--"]);
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        build.args(["-C", "target-feature=+crt-static"]);
    }
    must(&mut build, &format!("cargo build (helper): {program}"))
}

fn gather(profile: &str) -> Result<Programs> {
    let target = target_dir()?;
    let built = target.join(if profile == "dev" { "debug" } else { profile });
    let dir = target.join("programs").join(profile);
    std::fs::create_dir_all(&dir)?;
    let exe = std::env::consts::EXE_SUFFIX;
    let names = ["valetkey", "valetkey-agent", "valetkey-demo", "valetkey-emulator"];
    let from_build = names.map(|name| (built.join(format!("{name}{exe}")), name));
    let helpers = HELPERS.map(|(_, name)| (target.join("helper").join(format!("{name}{exe}")), name));
    for (source, name) in from_build.into_iter().chain(helpers) {
        let aside = dir.join(format!("{name}{exe}.new"));
        std::fs::copy(&source, &aside).with_context(|| format!("{name} was not built"))?;
        // Renamed into place: an older one may be running.
        std::fs::rename(&aside, dir.join(format!("{name}{exe}")))?;
    }
    Ok(Programs { dir })
}
