//! The main job: sign in once, then clone, push and fetch with keys nobody sees, then leave nothing behind.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{Emulator, nupkg};

use crate::{
    Ran, Sandbox,
    console::Console,
    dotnet::{Dotnet, write_sources},
    sign_in_with_device_code,
    summary::{Minted, Step, Summary},
};

/// The repository of the story: a project and a repository with spaces and brackets, as people name them.
const REPOSITORY: &str = "contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

/// One run.
pub(crate) struct Job<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) emulator: &'a Emulator,
    pub(crate) console: Console,
    pub(crate) summary: Summary,
    seen: HashSet<String>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, emulator: &'a Emulator, console: Console) -> Self {
        Self { sandbox, emulator, console, summary: Summary::default(), seen: HashSet::new() }
    }

    /// Everything up to, but without, signing out.
    pub(crate) fn work(&mut self) -> Result<()> {
        let git = self.sandbox.git(&self.sandbox.work(), &["--version"])?.expect_ok("git --version")?;
        git.stdout().trim().trim_start_matches("git version ").clone_into(&mut self.summary.git);
        self.console
            .line(&format!("valetkey's main job, with git {} and no Azure in sight", self.summary.git));
        self.sign_in()?;
        self.set_up_git()?;
        self.clone_push_fetch()?;
        self.restore_and_push()?;
        self.console.step(7, "what is held now: valetkey status");
        self.console.fact(&self.valetkey(&["status"])?.stdout());
        self.console.step(8, "the audit trail: valetkey audit");
        self.console.fact(&self.valetkey(&["audit", "-n", "40"])?.stdout());
        self.warm_answers()
    }

    fn sign_in(&mut self) -> Result<()> {
        self.console.step(1, "sign in, once: valetkey login contoso --device-code");
        let emulator = self.emulator;
        let console = self.console;
        let approve = |code: &str| {
            console.fact(&format!("the code {code} is typed on another device, as alice"));
            emulator.control().approve_device(code)
        };
        let ran = sign_in_with_device_code(self.sandbox, &["contoso"], approve)?.expect_ok("signing in")?;
        self.took("sign in", &ran);
        self.console.fact(&ran.stdout());
        Ok(())
    }

    fn set_up_git(&mut self) -> Result<()> {
        self.console.step(2, "tell git who to ask: valetkey setup git");
        let host = self.emulator.urls().dev.clone();
        let ran = self.valetkey(&["setup", "git", "--host", &host])?;
        self.took("setup git", &ran);
        self.console.fact(&ran.stdout());
        Ok(())
    }

    fn clone_push_fetch(&mut self) -> Result<()> {
        let url = format!("{}/{REPOSITORY}", self.emulator.urls().dev);
        let work = self.sandbox.work();
        let tree = work.join("card-auth");

        self.console.step(3, &format!("git clone {url}"));
        self.git("git clone", &work, &["clone", "--quiet", &url, "card-auth"])?;

        self.console.step(4, "git commit, git push");
        fs::write(tree.join("HELLO.md"), "pushed with a key that nobody saw\n")?;
        self.git("git add", &tree, &["add", "HELLO.md"])?;
        self.git("git commit", &tree, &["commit", "--quiet", "--message", "Say hello"])?;
        self.git("git push", &tree, &["push", "--quiet", "origin", "HEAD"])?;

        self.console.step(5, "git fetch: the key of step 3 is still good");
        self.git("git fetch", &tree, &["fetch", "--quiet"])?;
        let head = self.sandbox.git(&tree, &["rev-parse", "HEAD"])?.stdout();
        let remote = self.sandbox.git(&tree, &["rev-parse", "FETCH_HEAD"])?.stdout();
        ensure!(head == remote, "what was pushed is not what was fetched");
        Ok(())
    }

    fn restore_and_push(&mut self) -> Result<()> {
        let Some(dotnet) = Dotnet::find() else {
            self.console.step(6, "no .NET SDK on PATH: restoring and pushing packages is left out");
            return Ok(());
        };
        self.summary.dotnet = Some(dotnet.version(self.sandbox)?);
        self.console.step(6, "dotnet restore, dotnet nuget push");
        let folder = self.sandbox.work().join("app");
        let feed = format!("{}/contoso/_packaging/shared/nuget/v3/index.json", self.emulator.urls().pkgs);
        dotnet.write_project(&folder, "app", &[("Contoso.Text", "1.2.0")])?;
        write_sources(&folder, &[("shared", &feed)])?;
        fs::write(folder.join("Demo.1.0.0.nupkg"), nupkg("Demo", "1.0.0", &[]))?;
        let push = ["nuget", "push", "Demo.1.0.0.nupkg", "--source", "shared", "--api-key", "az"];
        for (what, args) in [("dotnet restore", &["restore"][..]), ("dotnet nuget push", &push)] {
            let ran = dotnet.run(self.sandbox, &folder, args)?.expect_ok(what)?;
            self.took(what, &ran);
            self.console.fact(&format!("{what}: {:.1} s", ran.took.as_secs_f64()));
            self.news(what)?;
        }
        Ok(())
    }

    fn warm_answers(&mut self) -> Result<()> {
        self.console.step(9, "what an answer costs when the key is there");
        let times = crate::bench::warm_gets(self.sandbox, &self.emulator.urls().dev, 15)?;
        let median = times[times.len() / 2];
        self.summary.warm_answer_ms = median.as_secs_f64() * 1000.0;
        self.console.fact(&format!(
            "git-credential-valetkey get: {} median, {} at worst, of {} (whole process)",
            milliseconds(median),
            milliseconds(times[times.len() - 1]),
            times.len(),
        ));
        Ok(())
    }

    /// Signing out, then the count of what is still alive at the service.
    pub(crate) fn leave(&mut self) -> Result<()> {
        self.console.step(10, "sign out: valetkey logout");
        let ran = self.valetkey(&["logout"])?;
        self.took("logout", &ran);
        self.console.fact(&ran.stdout());
        self.summary.live_keys_left = self.emulator.control().live_pats().len();
        self.summary.violations = self.emulator.control().violations();
        self.console.fact(&format!("keys alive at the service: {}", self.summary.live_keys_left));
        for violation in &self.summary.violations {
            self.console.fact(&format!("broken rule: {violation}"));
        }
        self.valetkey(&["agent", "stop"])?;
        self.judge()
    }

    fn judge(&mut self) -> Result<()> {
        let scopes: Vec<_> = self.summary.minted.iter().map(|key| key.scope.as_str()).collect();
        let mut wanted = vec!["vso.code", "vso.code_write"];
        if self.summary.dotnet.is_some() {
            wanted.extend(["vso.packaging", "vso.packaging_write"]);
        }
        let expected = scopes == wanted;
        self.summary.ok = expected && self.summary.live_keys_left == 0 && self.summary.violations.is_empty();
        if !self.summary.ok {
            bail!(
                "minted {scopes:?}, {} keys left alive, broken rules: {:?}",
                self.summary.live_keys_left,
                self.summary.violations
            );
        }
        Ok(())
    }

    fn valetkey(&self, args: &[&str]) -> Result<Ran> {
        self.sandbox.valetkey(args)?.expect_ok(&format!("valetkey {}", args.join(" ")))
    }

    fn git(&mut self, what: &str, folder: &Path, args: &[&str]) -> Result<()> {
        let ran = self.sandbox.git(folder, args)?.expect_ok(what)?;
        self.took(what, &ran);
        self.console.fact(&format!("{what}: {}", milliseconds(ran.took)));
        self.news(what)
    }

    fn took(&mut self, what: &str, ran: &Ran) {
        self.summary.steps.push(Step { what: what.to_owned(), milliseconds: ran.took.as_millis() });
    }

    /// What the audit trail says that it did not say before.
    fn news(&mut self, during: &str) -> Result<()> {
        let keys = json(&self.valetkey(&["keys", "list", "--json"])?)?;
        let keys = keys.as_array().cloned().or_else(|| keys["keys"].as_array().cloned()).unwrap_or_default();
        self.summary.handed_out =
            keys.iter().filter_map(|key| key["handed_out"].as_u64()).sum::<u64>().try_into()?;
        for key in &keys {
            let id = text(key, "id");
            if self.seen.insert(id.clone()) {
                let life = key["expires_at"].as_u64().zip(key["created_at"].as_u64());
                let lives_hours = life.map_or(0.0, |(end, start)| hours(end.saturating_sub(start)));
                let (scope, organisation) = (text(key, "scope"), text(key, "organisation"));
                self.console.fact(&format!(
                    "minted for it: key {id}, {scope} in {organisation}, lives {lives_hours:.1} h"
                ));
                self.summary.minted.push(Minted {
                    scope,
                    organisation,
                    key: id,
                    during: during.to_owned(),
                    lives_hours,
                });
            }
        }
        Ok(())
    }
}

/// A program's standard output as JSON.
fn json(ran: &Ran) -> Result<Value> {
    serde_json::from_slice(&ran.output.stdout).with_context(|| format!("not JSON: {}", ran.stdout()))
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a few hours, shown with one digit")]
fn hours(seconds: u64) -> f64 {
    seconds as f64 / 3600.0
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
