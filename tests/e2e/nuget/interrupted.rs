//! What happens to a restore when something under it fails.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, clients::Client, matrix::Cell, run_sealed};

use super::{
    bench::{Bench, said},
    terminal::{ended, has_a_stack_trace},
};

/// Runs a restore, and does something while the emulator holds a request of this kind.
fn meanwhile<C: Client>(bench: &Bench<C>, at: Fault, act: impl FnOnce() -> Result<()>) -> Result<Ran> {
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    let control = bench.rig.control();
    control.fault(at.always());
    let child = bench.restore(&folder).spawn()?;
    let restore = thread::spawn(move || child.wait_with_output());
    held(bench)?;
    act()?;
    control.clear_faults();
    control.release();
    let output = restore.join().map_err(|_| anyhow!("the restore could not be waited for"))??;
    Ok(Ran { output, took: Duration::ZERO })
}

/// Waits until the emulator holds a request.
fn held<C: Client>(bench: &Bench<C>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while bench.rig.control().held() == 0 {
        if Instant::now() > deadline {
            bail!("nothing is held");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The emulator's host is not built in: only the agent knew it for one of ours, so NuGet has the last word. Under Azure's
/// own names another agent is started: `sealed_world`.
pub(super) fn agent_killed<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let minting = Fault::new(Action::Hold).host(Host::Vssps).method("POST").path("tokens/pats");
    let ran = meanwhile(bench, minting, || {
        let status = bench.rig.sandbox.valetkey(&["status", "--json"])?.stdout();
        let pid = serde_json::from_str::<Value>(&status)?["pid"].as_u64().context("no agent")?;
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
        ensure!(killed.success(), "the agent could not be killed");
        Ok(())
    })?;
    let said = said(&ran);
    ensure!(ended(&ran) && !ran.ok() && said.contains("401"), "{}\n{said}", ran.output.status);
    ensure!(!has_a_stack_trace(&said), "{said}");
    Ok(())
}

/// Every plugin knows the host, and starts another agent.
pub(super) fn agent_killed_in_a_sealed_world<C: Client>(_: &Bench<C>) -> Result<Cell> {
    let program = Path::new(env!("CARGO_BIN_EXE_sealed-world"));
    let test = format!("{}: agent killed, Azure's own names", C::NAME);
    let Some(output) = run_sealed(&test, 300, &[program, Path::new(C::NAME)])? else {
        return Ok(Cell::Skipped("no sealed world can be made here".to_owned()));
    };
    let ran = Ran { output, took: Duration::ZERO };
    ensure!(ran.ok(), "{}", said(&ran));
    Ok(Cell::Yes)
}

pub(super) fn key_revoked<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let reading = Fault::new(Action::Hold).host(Host::Pkgs).path("/flat2/");
    let ran = meanwhile(bench, reading, || {
        let keys = bench.rig.control().live_pats();
        ensure!(keys.len() == 1, "{keys:?}");
        bench.rig.control().revoke_pat(&keys[0].authorization_id)
    })?;
    let said = said(&ran.expect_ok("restore whose key was revoked")?);
    ensure!(bench.rig.mints() == 2, "{} mints\n{said}", bench.rig.mints());
    bench.nothing_left()
}

pub(super) fn feed_down<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    let control = bench.rig.control();
    // Without waiting, NuGet tries as often as ever.
    let restore = || {
        let mut command = bench.restore(&folder);
        command.env("NUGET_ENHANCED_NETWORK_RETRY_DELAY_MILLISECONDS", "1");
        bench.run(command)
    };
    control.fault(Fault::new(Action::status(503)).host(Host::Pkgs).always());
    let ran = restore()?;
    ensure!(ended(&ran) && !ran.ok() && said(&ran).contains("503"), "{}", said(&ran));
    ensure!(bench.rig.mints() == 0, "a key for a feed that wants none: {}", said(&ran));
    // It takes the key, and then fails.
    control.clear_faults();
    control.fault(Fault::new(Action::status(503)).host(Host::Pkgs).path("/flat2/").always());
    let ran = restore()?;
    let said = said(&ran);
    ensure!(ended(&ran) && !ran.ok() && said.contains("503"), "{said}");
    ensure!(!has_a_stack_trace(&said) && !said.contains("valetkey:"), "{said}");
    ensure!(bench.rig.mints() == 1, "{} mints: {said}", bench.rig.mints());
    control.clear_faults();
    restore()?.expect_ok("restore from a feed that is up again")?;
    ensure!(bench.rig.mints() == 1, "{} mints", bench.rig.mints());
    bench.nothing_left()
}
