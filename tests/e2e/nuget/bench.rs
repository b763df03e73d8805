//! A client, set up, with the emulator on the other side.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::Host;
use valetkey_tests::{
    Ran, Rig,
    clients::{Client, Dotnet10, Person},
    skip, write_sources,
};

use super::terminal::limited;

/// A rig and a client that is set up in it.
pub(crate) struct Bench<C> {
    pub(crate) rig: Rig,
    pub(crate) client: C,
}

impl Bench<Dotnet10> {
    /// With the SDK under test; nothing, recorded as a skip, where there is none.
    pub(crate) fn newest(test: &str) -> Result<Option<Self>> {
        match Dotnet10::find() {
            Ok(client) => Self::with(client).map(Some),
            Err(missing) => {
                skip(test, &missing);
                Ok(None)
            }
        }
    }
}

impl<C: Client> Bench<C> {
    /// Nobody is signed in; the agent runs, since none is started for a host that is merely configured.
    pub(crate) fn with(client: C) -> Result<Self> {
        let rig = Rig::new()?;
        client.set_up(&rig.sandbox)?;
        rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
        Ok(Self { rig, client })
    }

    pub(crate) fn sign_in(&self, organisation: &str) -> Result<()> {
        self.rig.sign_in(organisation)?.expect_ok("signing in")?;
        Ok(())
    }

    pub(crate) fn feed(&self, organisation: &str) -> String {
        format!("{}/{organisation}/_packaging/shared/nuget/v3/index.json", self.rig.emulator.urls().pkgs)
    }

    /// A folder with a project that needs this package of the organisation's feed, whose source is called `shared`.
    pub(crate) fn project(&self, organisation: &str, package: (&str, &str)) -> Result<PathBuf> {
        let folder = self.rig.sandbox.work().join("app");
        self.client.write_project(&folder, "app", &[package])?;
        write_sources(&folder, &[("shared", &self.feed(organisation))])?;
        Ok(folder)
    }

    /// Projects that need these packages, in folders of their own, under one solution with these sources.
    pub(crate) fn solution(
        &self,
        names: &[String],
        packages: &[(&str, &str)],
        organisations: &[&str],
    ) -> Result<PathBuf> {
        let top = self.rig.sandbox.work().join("several");
        fs::create_dir_all(&top)?;
        let feeds: Vec<_> = organisations.iter().map(|name| (*name, self.feed(name))).collect();
        let sources: Vec<_> = feeds.iter().map(|(name, feed)| (*name, feed.as_str())).collect();
        write_sources(&top, &sources)?;
        for name in names {
            self.client.write_project(&top.join(name), name, packages)?;
        }
        self.client.write_solution(&top, names)?;
        Ok(top)
    }

    /// A restore in a script, ended from outside if it hangs.
    pub(crate) fn restore(&self, folder: &Path) -> Command {
        let mut command = limited(&self.client.restore(&self.rig.sandbox, folder, Person::Absent));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, command: Command) -> Result<Ran> {
        self.rig.sandbox.run(command)
    }

    /// Forgets the packages that were restored, so that they are fetched again.
    pub(crate) fn forget_packages(&self, folder: &Path) -> Result<()> {
        let restored =
            [folder.join("obj"), folder.join("packages"), self.rig.sandbox.home().join(".nuget/packages")];
        for place in restored.iter().filter(|place| place.exists()) {
            fs::remove_dir_all(place).with_context(|| place.display().to_string())?;
        }
        Ok(())
    }

    /// The scopes of the keys that are alive.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes: Vec<_> = self.rig.control().live_pats().into_iter().map(|pat| pat.scope).collect();
        scopes.sort();
        scopes
    }

    /// How often a device code was asked for.
    pub(crate) fn codes(&self) -> usize {
        self.rig.control().requests_to(Host::Login, "POST", "/devicecode").len()
    }

    pub(crate) fn nothing_left(&self) -> Result<()> {
        self.rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        let control = self.rig.control();
        ensure!(control.live_pats().is_empty(), "left alive: {:?}", control.live_pats());
        ensure!(control.violations().is_empty(), "{:?}", control.violations());
        Ok(())
    }
}

/// Both streams.
pub(crate) fn said(ran: &Ran) -> String {
    ran.stdout() + &ran.stderr()
}

/// Whether what is to be run was said in one line by the plugin itself, and in one of the client's log, which is what
/// an IDE shows.
pub(crate) fn told_once(said: &str, what: &str) -> Result<()> {
    let (logged, own): (Vec<_>, Vec<_>) = said
        .lines()
        .filter(|line| line.contains(what))
        .partition(|line| line.to_ascii_lowercase().contains("warning"));
    ensure!(own.len() == 1 && logged.len() == 1, "told {} and {} times\n{said}", own.len(), logged.len());
    Ok(())
}
