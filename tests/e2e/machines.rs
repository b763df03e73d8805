//! Machines that are not people: they get Entra tokens and make no keys.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Result, ensure};
use valetkey_emulator::APP_CONFIDENTIAL;
use valetkey_tests::Rig;

const REPOSITORY: &str = "contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

fn login(rig: &Rig, kind: &str, proof: &str, mode: u32) -> Result<valetkey_tests::Ran> {
    let file = rig.sandbox.home().join("proof");
    fs::write(&file, proof)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    let file = file.display().to_string();
    let command =
        ["login", "contoso", "--machine", kind, "--client-id", APP_CONFIDENTIAL, "--proof-file", &file];
    rig.sandbox.valetkey(&command)
}

fn clones(kind: &str, proof: &str) -> Result<()> {
    let rig = Rig::new()?;
    rig.set_up_git()?;
    login(&rig, kind, proof, 0o600)?.expect_ok("login")?;
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    let status = rig.sandbox.valetkey(&["status"])?.expect_ok("status")?.stdout();
    ensure!(status.contains("access tokens come from "), "{status}");
    ensure!(rig.mints() == 0, "a machine asked for a PAT");
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    Ok(())
}

#[test]
fn a_service_principal_clones_with_a_secret_from_a_file() -> Result<()> {
    clones("secret", "emulator-client-secret\n")
}

#[test]
fn a_pod_clones_with_its_federated_token() -> Result<()> {
    clones("federated", "emulator-federated-token")
}

#[test]
fn a_wrong_secret_and_a_file_that_others_can_change_are_named() -> Result<()> {
    let rig = Rig::new()?;
    let ran = login(&rig, "secret", "nonsense", 0o600)?;
    ensure!(!ran.ok() && ran.stderr().contains("does not take the proof of"), "{}", ran.stderr());
    let ran = login(&rig, "secret", "emulator-client-secret", 0o666)?;
    ensure!(!ran.ok() && ran.stderr().contains("can be changed by other users"), "{}", ran.stderr());
    Ok(())
}
