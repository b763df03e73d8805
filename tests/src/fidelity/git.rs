//! git itself.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use valetkey_demo::Ran;

use super::{Flow, Needs, Stage};
use crate::gits;

pub(super) const FLOWS: &[Flow] = &[Flow {
    client: "git",
    name: "PAT in Basic",
    needs: Needs { programs: &["git"], clients: &[] },
    run: pat,
}];

pub(super) const REPOSITORY: &str =
    "https://dev.azure.com/contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

fn pat(stage: &mut Stage) -> Result<String> {
    let (id, token) = stage.mint("vso.code_write")?;
    let header = format!("Authorization: Basic {}", STANDARD.encode(format!(":{token}")));
    let versions = every_git(stage, &header)?;
    stage.control().revoke_pat(&id)?;
    Ok(versions)
}

fn every_git(stage: &Stage, header: &str) -> Result<String> {
    let mut versions = Vec::new();
    for git in gits() {
        let said = stage.run(&git, &["--version"])?.expect_ok("git --version")?.stdout();
        versions.push(said.trim().trim_start_matches("git version ").to_owned());
        main_job(stage, &git, header).with_context(|| format!("with {}", git.display()))?;
    }
    ensure!(!versions.is_empty(), "git is not installed");
    Ok(versions.join(", "))
}

fn main_job(stage: &Stage, git: &PathBuf, header: &str) -> Result<()> {
    let config = format!("http.extraHeader={header}");
    let run = |args: &[&str]| -> Result<Ran> {
        let mut command = stage.command(git);
        command.arg("-c").arg(&config).args(args);
        stage.sandbox.run(command)
    };
    run(&["ls-remote", REPOSITORY])?.expect_ok("ls-remote")?;
    let tree = tempfile::tempdir_in(stage.sandbox.work())?;
    let at = tree.path().to_str().context("a path that is text")?;
    run(&["clone", REPOSITORY, at])?.expect_ok("clone")?;
    fs::write(tree.path().join("file"), at)?;
    run(&["-C", at, "add", "."])?.expect_ok("add")?;
    run(&["-C", at, "commit", "-m", "One more"])?.expect_ok("commit")?;
    let pushed = run(&["-C", at, "push", "origin", "HEAD"])?.expect_ok("push")?;
    ensure!(pushed.stderr().contains("main"), "push said: {}", pushed.stderr());
    Ok(())
}
