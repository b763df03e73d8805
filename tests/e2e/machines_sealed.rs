//! Machines at the addresses where Azure itself answers, with no override at all.

use std::path::Path;

use anyhow::{Result, ensure};
use valetkey_tests::run_sealed;

#[test]
fn a_virtual_machine_is_known_by_the_metadata_service_at_its_own_address() -> Result<()> {
    inside("metadata-service")
}

#[test]
fn a_server_that_azure_arc_connects_clones_and_restores() -> Result<()> {
    inside("azure-arc")
}

#[test]
fn a_hostile_azure_arc_agent_gets_no_file_that_it_names() -> Result<()> {
    inside("azure-arc-hostile")
}

fn inside(what: &str) -> Result<()> {
    let world = Path::new(env!("CARGO_BIN_EXE_machines-world"));
    let test = format!("machines in a sealed world: {what}");
    let Some(out) = run_sealed(&test, 600, &[world, Path::new(what)])? else { return Ok(()) };
    let (said, wrong) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    ensure!(out.status.success(), "{}\n{said}{wrong}", out.status);
    Ok(())
}
