//! Whole-process figures, as ratios: of each pair one is run right after the other, so that a slow moment of the machine
//! hits both.

mod conversation;
mod git;
mod plugin;
mod process;
mod report;
mod restore;

use std::path::{Path, PathBuf};

use anyhow::Result;
use valetkey_emulator::{Emulator, Host};

use crate::{Sandbox, console::Console, sign_in_with_device_code};
use conversation::Nuget;
use report::Report;

pub(crate) use git::warm_gets;

/// What is measured, and how often.
pub(crate) struct Plan {
    /// Counted rounds of each pair.
    pub(crate) rounds: u32,
    /// The plugin that does nothing.
    pub(crate) bench_plugin: Option<PathBuf>,
}

/// Everything that is held. An error tells that a hold was missed, or that something could not be measured.
pub(crate) fn run(sandbox: &Sandbox, emulator: &Emulator, plan: &Plan, console: Console) -> Result<()> {
    let mut report = Report::new(console);
    sandbox.valetkey(&["agent", "start"])?.expect_ok("starting the agent")?;
    let resident = process::mebibytes(process::agent_resident(sandbox)?);
    report.held(resident <= 15.0, &format!("agent at rest: {resident:.1} MiB resident"), "<= 15");
    sign_in_with_device_code(sandbox, &["contoso"], |code| emulator.control().approve_device(code))?
        .expect_ok("signing in")?;
    git::crowd(sandbox, emulator, &mut report)?;
    let resident = process::mebibytes(process::agent_resident(sandbox)?);
    report.shown(&format!("agent after a sign-in and the crowd: {resident:.1} MiB resident"));
    git::against_cache(sandbox, &emulator.urls().dev, plan.rounds, &mut report)?;
    packages(sandbox, emulator, plan, &mut report)?;
    sandbox.valetkey(&["logout"])?.expect_ok("signing out")?;
    report.close()
}

fn packages(sandbox: &Sandbox, emulator: &Emulator, plan: &Plan, report: &mut Report) -> Result<()> {
    let feed = format!("{}/contoso/_packaging/shared/nuget/v3/index.json", emulator.urls().pkgs);
    let nuget = Nuget::stand_in()?;
    plugin::crowd((sandbox, &nuget), emulator, &feed, report)?;
    plugin::peak((sandbox, &nuget), &feed, report)?;
    let Some(nothing) = &plan.bench_plugin else {
        report.left_out("the plugin against others", "the do-nothing plugin was not built");
        return Ok(());
    };
    plugin::against_nothing((sandbox, &nuget), nothing, &feed, plan.rounds, report)?;
    plugin::against_microsoft((sandbox, &nuget), &feed, plan.rounds, report)?;
    restore::run((sandbox, &nuget), emulator, nothing, &feed, plan.rounds, report)
}

/// Requests for new keys so far.
fn mints(emulator: &Emulator) -> usize {
    emulator.control().requests_to(Host::Vssps, "POST", "tokens/pats").len()
}

/// The program's name in a folder, as a command's `PATH` has it.
fn folder_of(program: &Path) -> &Path {
    program.parent().unwrap_or(program)
}
