//! Where a flow is played: an emulator behind the real names, and a home for the client.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use valetkey_demo::{Ran, Sandbox};
use valetkey_emulator::{Control, Emulator, Options};

use crate::skip::variable;

/// Variables by which programs are told what authority to trust, all of them documented by those who read them:
/// OpenSSL and .NET, Python's requests, git, curl, Node.
const TRUST: [&str; 5] =
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// An emulator behind the real names, and a home for the client.
#[derive(Debug)]
pub struct Stage {
    /// The client's home; our own programs are not on its path.
    pub sandbox: Sandbox,
    /// The counterpart of every service.
    pub emulator: Emulator,
    bin: TempDir,
    authority: PathBuf,
}

impl Stage {
    /// The stage with the first git on PATH. Inside a sealed world only: it listens on port 443.
    ///
    /// # Errors
    /// When the emulator does not start.
    pub fn new() -> Result<Self> {
        let options = Options { sealed: Some(([127, 0, 0, 1], 443).into()), ..Options::default() };
        let emulator = Emulator::start(options).context("the emulator does not start on port 443")?;
        emulator.control().record();
        let bin = tempfile::tempdir()?;
        let sandbox = Sandbox::new(bin.path(), Path::new("/usr/bin/git"))?;
        let authority = sandbox.home().join("authority.pem");
        fs::write(&authority, emulator.ca_pem())?;
        let mut stage = Self { sandbox, emulator, bin, authority };
        stage.furnish();
        Ok(stage)
    }

    /// Leaves the home and begins a fresh one; the emulator and what it knows stay.
    ///
    /// # Errors
    /// When the home cannot be made.
    pub fn fresh_home(&mut self) -> Result<()> {
        self.sandbox = Sandbox::new(self.bin.path(), Path::new("/usr/bin/git"))?;
        self.authority = self.sandbox.home().join("authority.pem");
        fs::write(&self.authority, self.emulator.ca_pem())?;
        self.furnish();
        Ok(())
    }

    fn furnish(&mut self) {
        let authority = self.authority.display().to_string();
        for name in TRUST {
            self.sandbox.set(name, authority.clone());
        }
        if let Some(bus) = variable("DBUS_SESSION_BUS_ADDRESS") {
            self.sandbox.set("DBUS_SESSION_BUS_ADDRESS", bus.to_string_lossy());
        }
    }

    /// The emulator's controls.
    pub fn control(&self) -> &Control {
        self.emulator.control()
    }

    /// The throw-away authority, a PEM file.
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// A client out of the folder that `VALETKEY_CLIENTS` names.
    ///
    /// # Errors
    /// When it is not there.
    pub fn client(&self, path: &str) -> Result<PathBuf> {
        let file = client(path).with_context(|| format!("{path} is not installed"))?;
        Ok(file)
    }

    /// Puts a script of that name first on the client's path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.bin.path().join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file)
    }

    /// Runs a program to its end in the client's home.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, program: impl AsRef<Path>, args: &[&str]) -> Result<Ran> {
        let mut command = self.command(program);
        command.args(args);
        self.sandbox.run(command)
    }

    /// A program in the client's home.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.sandbox.command(program.as_ref());
        command.stdin(Stdio::null());
        command
    }
}

/// A file below the folder that `VALETKEY_CLIENTS` names, if it is there.
pub fn client(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(variable("VALETKEY_CLIENTS")?).join(path);
    file.exists().then_some(file)
}
