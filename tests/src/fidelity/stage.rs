//! Where a flow is played: an emulator behind the real names, and a home for the client.

use std::{
    cell::RefCell,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey_demo::{Ran, Sandbox};
use valetkey_emulator::{Control, Emulator, Options};

use super::leftovers::nobody_at;
use crate::{gits, skip::variable};

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
    told: RefCell<Vec<Told>>,
}

/// Something that happened to the emulator's world and that no client asked for.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// How many requests had arrived by then.
    pub(super) after: usize,
    /// The path of the emulator's control host.
    pub(super) path: String,
    /// What was sent there.
    pub(super) body: Value,
    /// What came back.
    pub(super) answer: Value,
}

impl Stage {
    /// The stage with the first git on PATH. Inside a sealed world only: it listens on port 443.
    ///
    /// # Errors
    /// When the emulator does not start.
    pub fn new() -> Result<Self> {
        let options = Options {
            sealed: Some(([127, 0, 0, 1], 443).into()),
            metadata: vec![([169, 254, 169, 254], 80).into(), ([127, 0, 0, 1], 40342).into()],
            ..Options::default()
        };
        let emulator = Emulator::start(options).context("the emulator does not start on port 443")?;
        emulator.control().record();
        let bin = tempfile::tempdir()?;
        let sandbox = Sandbox::new(bin.path(), &gits().first().cloned().context("git is not installed")?)?;
        let authority = sandbox.home().join("authority.pem");
        fs::write(&authority, emulator.ca_pem())?;
        let mut stage = Self { sandbox, emulator, bin, authority, told: RefCell::default() };
        stage.furnish();
        Ok(stage)
    }

    /// Leaves the home and begins a fresh one with that git; the emulator and what it knows stay.
    ///
    /// # Errors
    /// When somebody is still in the old one, or the new one cannot be made.
    pub fn fresh_home(&mut self, git: &Path) -> Result<()> {
        nobody_at(self.sandbox.home())?;
        self.sandbox = Sandbox::new(self.bin.path(), git)?;
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

    /// Changes the emulator's world by its control host's `POST` of this path. Goes into the record of the flow, so
    /// that a replay can do it too: approvals, mints and revocations belong here.
    ///
    /// # Errors
    /// When the control host would refuse it.
    pub fn tell(&self, path: &str, body: Value) -> Result<Value> {
        let after = self.control().arrived();
        let answer = self.control().tell(path, &body)?;
        self.told.borrow_mut().push(Told { after, path: path.to_owned(), body, answer: answer.clone() });
        Ok(answer)
    }

    pub(super) fn told(&self) -> Vec<Told> {
        self.told.borrow().clone()
    }

    /// Lets alice sign in the device that shows this code.
    ///
    /// # Errors
    /// When no device shows it.
    pub fn approve_device(&self, user_code: &str) -> Result<()> {
        self.tell("approve-device", json!({ "user-code": user_code })).map(|_| ())
    }

    /// A personal access token of alice's at `contoso` that lives an hour: identifier and secret.
    ///
    /// # Errors
    /// When the emulator does not make it.
    pub fn mint(&self, scope: &str) -> Result<(String, String)> {
        let wish = json!({"user": "alice", "org": "contoso", "scope": scope, "seconds": 3600});
        let made = self.tell("mint", wish)?;
        let text = |name: &str| made[name].as_str().map(str::to_owned).context("the emulator made no token");
        Ok((text("authorization-id")?, text("token")?))
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

/// A file below the folder that `VALETKEY_CLIENTS` names, if it is there. A part of the path may end with `*`, for what
/// stands differently on every machine: the first folder whose name begins so.
pub fn client(path: &str) -> Option<PathBuf> {
    let mut file = PathBuf::from(variable("VALETKEY_CLIENTS")?);
    for part in path.split('/') {
        file = match part.strip_suffix('*') {
            None => file.join(part),
            Some(begin) => {
                let begins = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(begin);
                fs::read_dir(file).ok()?.flatten().find(begins)?.path()
            }
        };
    }
    file.exists().then_some(file)
}
