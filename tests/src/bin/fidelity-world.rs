//! Runs inside a network and mount namespace of its own, where Azure's names lead to this machine: plays one flow of one
//! client, and says on its last line what became of it. Started by the tests `fidelity`.

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, Result};
use valetkey_tests::fidelity::{
    Stage, flow,
    leftovers::{Before, nobody_at},
    record,
};

fn main() -> ExitCode {
    match run() {
        Ok(version) => {
            let _ = writeln!(std::io::stdout(), "{version}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String> {
    let mut args = std::env::args().skip(1);
    let client = args.next().context("which client?")?;
    let name = args.next().context("which flow?")?;
    let flow = flow(&client, &name)?;
    let before = Before::now()?;
    let mut stage = Stage::new()?;
    let version = (flow.run)(&mut stage)?;
    nobody_at(stage.sandbox.home())?;
    record::keep(&stage, &flow, &version)?;
    drop(stage);
    before.is_as_it_was()?;
    Ok(version)
}
