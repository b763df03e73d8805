//! An emulator, a sandbox and the shipped programs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use valetkey_demo::{Ran, Sandbox, World, find_on_path, sign_in_with_device_code};
use valetkey_emulator::{Control, Emulator, Host, Options};

use crate::skip::variable;

/// Everything a test of the whole needs. The sandbox goes first, so that its agent can still say goodbye.
#[derive(Debug)]
pub struct Rig {
    /// The private home.
    pub sandbox: Sandbox,
    /// The counterpart services.
    pub emulator: Emulator,
}

impl Rig {
    /// A rig with secrets kept in memory and the first git on PATH.
    pub fn new() -> Result<Self> {
        Self::with(&find_on_path("git").context("git is not installed")?, "")
    }

    /// A rig with that git, and lines added to the configuration.
    pub fn with(git: &Path, more: &str) -> Result<Self> {
        let emulator = Emulator::start(Options { git: Some(git.to_owned()), ..Options::default() })?;
        let mut sandbox = Sandbox::new(&programs()?, git)?;
        sandbox.configure(&World::of(&emulator), more)?;
        Ok(Self { sandbox, emulator })
    }

    /// Like [`Rig::new`], signed in for `contoso` and with git set up.
    pub fn signed_in() -> Result<Self> {
        Self::signed_in_with(&find_on_path("git").context("git is not installed")?)
    }

    /// Like [`Rig::signed_in`] with that git.
    pub fn signed_in_with(git: &Path) -> Result<Self> {
        let rig = Self::with(git, "")?;
        rig.sign_in("contoso")?.expect_ok("signing in")?;
        rig.set_up_git()?;
        Ok(rig)
    }

    /// Like [`Rig::signed_in`], with secrets in a sealed file whose key the kernel keeps: they outlive the agent.
    pub fn signed_in_keeping_secrets() -> Result<Self> {
        let vault = "[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"\n";
        let rig = Self::with(&find_on_path("git").context("git is not installed")?, vault)?;
        rig.sign_in("contoso")?.expect_ok("signing in")?;
        rig.set_up_git()?;
        Ok(rig)
    }

    /// Signs in for an organisation with a device code, approved by the emulator's current user.
    pub fn sign_in(&self, organisation: &str) -> Result<Ran> {
        let control = self.control();
        sign_in_with_device_code(&self.sandbox, &[organisation], |code| control.approve_device(code))
    }

    /// `valetkey setup git` for the emulator's host.
    pub fn set_up_git(&self) -> Result<()> {
        let host = self.emulator.urls().dev.clone();
        self.sandbox.valetkey(&["setup", "git", "--host", &host])?.expect_ok("setting git up")?;
        Ok(())
    }

    /// The emulator's controls.
    pub fn control(&self) -> &Control {
        self.emulator.control()
    }

    /// The address of a repository on the emulator.
    pub fn repository(&self, path: &str) -> String {
        format!("{}/{path}", self.emulator.urls().dev)
    }

    /// Requests that created a PAT, successful or not.
    pub fn mints(&self) -> usize {
        self.control().requests_to(Host::Vssps, "POST", "/_apis/tokens/pats").len()
    }
}

/// Every git to test with: each different one on PATH, and those `VALETKEY_GITS` names.
pub fn gits() -> Vec<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let named = variable("VALETKEY_GITS").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| folder.join("git"));
    let mut found: Vec<PathBuf> = Vec::new();
    for git in std::env::split_paths(&named).chain(folders).filter(|git| git.is_file()) {
        let real = git.canonicalize().unwrap_or_else(|_| git.clone());
        if !found.iter().any(|known| known.canonicalize().is_ok_and(|known| known == real)) {
            found.push(git);
        }
    }
    found
}

/// The folder of the shipped programs: named by `cargo xtask test`, else where cargo put them beside this test.
pub fn programs() -> Result<PathBuf> {
    let dir = match variable("VALETKEY_PROGRAMS") {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_exe()?.ancestors().nth(2).context("no target folder")?.to_owned(),
    };
    for name in ["valetkey", "valetkey-agent", "git-credential-valetkey", "nuget-plugin-valetkey"] {
        ensure!(dir.join(name).is_file(), "{name} is not in {}: run `cargo xtask test`", dir.display());
    }
    Ok(dir)
}
