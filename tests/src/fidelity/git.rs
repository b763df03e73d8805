//! git itself, with a header of one's own: no helper at all.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use valetkey_demo::Ran;
use valetkey_emulator::APP_READ;

use super::{Flow, Needs, Stage, curl, expect_text};
use crate::gits;

pub(super) const FLOWS: &[Flow] = &[
    Flow { client: "git", name: "PAT in Basic", needs: NEEDS, run: pat },
    Flow { client: "git", name: "Entra token as Bearer", needs: WITH_CURL, run: bearer },
    Flow { client: "git", name: "dead keys", needs: NEEDS, run: dead },
];

const NEEDS: Needs = Needs { programs: &["git"], clients: &[], dotnet: false };
const WITH_CURL: Needs = Needs { programs: &["git", "curl"], clients: &[], dotnet: false };

pub(super) const REPOSITORY: &str =
    "https://dev.azure.com/contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// Microsoft: "Use personal access tokens", section on git: Basic with an empty name.
fn basic(token: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!(":{token}")))
}

fn pat(stage: &mut Stage) -> Result<String> {
    let (_, token) = stage.mint("vso.code_write")?;
    let versions = every_git(|git| main_job(stage, git, &basic(&token)))?;
    let (_, narrow) = stage.mint("vso.code")?;
    every_git(|git| {
        let tree = clone(stage, git, &basic(&narrow))?;
        let pushed =
            with_header(stage, git, &basic(&narrow), tree.path(), &["push", "origin", "HEAD:refs/heads/x"])?;
        ensure!(!pushed.ok(), "a key for reading pushed");
        expect_text(&pushed.stderr(), "could not read Username")
    })?;
    Ok(versions)
}

/// Microsoft: "Use Microsoft Entra tokens", which clones with `AUTHORIZATION: bearer`.
fn bearer(stage: &mut Stage) -> Result<String> {
    let token = curl::access_token(stage, APP_READ, &["vso.code_write"])?;
    let versions = every_git(|git| main_job(stage, git, &format!("AUTHORIZATION: bearer {token}")))?;
    let (_, pat) = stage.mint("vso.code_write")?;
    every_git(|git| refused(stage, git, &format!("AUTHORIZATION: bearer {pat}")))?;
    Ok(versions)
}

fn dead(stage: &mut Stage) -> Result<String> {
    for way in ["expire-pat", "revoke-pat"] {
        let (id, token) = stage.mint("vso.code_write")?;
        every_git(|git| {
            let listed =
                with_header(stage, git, &basic(&token), &stage.sandbox.work(), &["ls-remote", REPOSITORY])?;
            listed.expect_ok("ls-remote with a live key").map(|_| ())
        })?;
        stage.tell(way, json!({"authorization-id": id}))?;
        every_git(|git| refused(stage, git, &basic(&token)))?;
    }
    let wish = json!({"user": "alice", "org": "strict", "scope": "vso.code_write", "seconds": 3600});
    let elsewhere = stage.tell("mint", wish)?;
    let elsewhere = elsewhere["token"].as_str().context("no token of another organisation")?;
    every_git(|git| refused(stage, git, &basic(elsewhere)))?;
    every_git(|git| refused(stage, git, &basic("no-such-token")))
}

/// Does it with every git there is, and gives their versions.
fn every_git(job: impl Fn(&Path) -> Result<()>) -> Result<String> {
    let mut versions = Vec::new();
    for git in gits() {
        let said = std::process::Command::new(&git).arg("--version").output()?.stdout;
        versions.push(String::from_utf8(said)?.trim().trim_start_matches("git version ").to_owned());
        job(&git).with_context(|| format!("with {}", git.display()))?;
    }
    ensure!(!versions.is_empty(), "git is not installed");
    Ok(versions.join(", "))
}

fn with_header(stage: &Stage, git: &Path, header: &str, folder: &Path, args: &[&str]) -> Result<Ran> {
    let mut command = stage.command(git);
    command.current_dir(folder).arg("-c").arg(format!("http.extraHeader={header}")).args(args);
    stage.sandbox.run(command)
}

/// git has no helper and must not ask, so a refused header ends in one of these two lines.
fn refused(stage: &Stage, git: &Path, header: &str) -> Result<()> {
    let ran = with_header(stage, git, header, &stage.sandbox.work(), &["ls-remote", REPOSITORY])?;
    ensure!(!ran.ok(), "a dead key opened the repository");
    let said = ran.stderr();
    ensure!(
        said.contains("could not read Username") || said.contains("Authentication failed"),
        "git says something else: {said}"
    );
    Ok(())
}

fn clone(stage: &Stage, git: &Path, header: &str) -> Result<tempfile::TempDir> {
    let tree = tempfile::tempdir_in(stage.sandbox.work())?;
    let at = tree.path().to_str().context("a path that is text")?;
    with_header(stage, git, header, &stage.sandbox.work(), &["clone", REPOSITORY, at])?.expect_ok("clone")?;
    Ok(tree)
}

fn main_job(stage: &Stage, git: &Path, header: &str) -> Result<()> {
    let run = |folder: &Path, args: &[&str]| {
        with_header(stage, git, header, folder, args)?.expect_ok(&args.join(" "))
    };
    run(&stage.sandbox.work(), &["ls-remote", REPOSITORY])?;
    let tree = clone(stage, git, header)?;
    fs::write(tree.path().join("file"), tree.path().display().to_string())?;
    run(tree.path(), &["add", "."])?;
    run(tree.path(), &["commit", "-m", "One more"])?;
    run(tree.path(), &["push", "origin", "HEAD"])?;
    let again = clone(stage, git, header)?;
    let pushed = fs::read_to_string(again.path().join("file"))?;
    ensure!(pushed == tree.path().display().to_string(), "the push did not arrive");
    Ok(())
}
