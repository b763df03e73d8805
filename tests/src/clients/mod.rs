//! Real clients of NuGet, each with its own way to valetkey.

mod nuget_exe;
mod sdk;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use valetkey_demo::{Ran, Sandbox};

pub use nuget_exe::NugetExe;
pub use sdk::{Dotnet10, Dotnet31};

use crate::{matrix, skip::variable};

/// Whether somebody is there to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// As the client is called in a script, even if a terminal is there.
    Absent,
    /// As it is called by hand.
    Present,
}

/// A client, and its way to valetkey.
pub trait Client: Sized {
    /// Its name in the matrix, with the way.
    const NAME: &'static str;

    /// The client; where it is not here, what is missing.
    ///
    /// # Errors
    /// What is missing, as words.
    fn find() -> Result<Self, String>;

    /// What the client itself says it is.
    fn ask_version(&self, sandbox: &Sandbox) -> Result<String>;

    /// What it takes on a fresh machine: trust in the emulator's authority, and `valetkey setup nuget`.
    fn set_up(&self, sandbox: &Sandbox) -> Result<()>;

    /// Writes a project that needs these packages.
    fn write_project(&self, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()>;

    /// What binds the projects in the folders of these names to one build.
    fn write_solution(&self, top: &Path, names: &[String]) -> Result<()>;

    /// Restores what is in a folder, past any cache of packages.
    fn restore(&self, sandbox: &Sandbox, folder: &Path, person: Person) -> Command;

    /// Restores the projects in the folders of these names all at once.
    fn restore_all(&self, sandbox: &Sandbox, top: &Path, names: &[String]) -> Vec<Command> {
        let _ = names;
        vec![self.restore(sandbox, top, Person::Absent)]
    }

    /// Whether a restore that failed had done its work, and the client fell over its own end. It is still to be looked
    /// at whether the packages are there.
    fn died_after_its_work(&self, ran: &Ran) -> bool {
        let _ = ran;
        false
    }

    /// Whether the project in this folder has got its packages, of which this is one.
    fn restored(&self, folder: &Path, package: (&str, &str)) -> bool;

    /// Pushes a package to a source of the configuration in its folder.
    fn push(&self, sandbox: &Sandbox, package: &Path, source: &str) -> Command;

    /// `valetkey nuget push` by way of this client; source and package are still to be added.
    fn push_to_gallery(&self, sandbox: &Sandbox) -> Command;

    /// What the client itself says it is, asked once.
    ///
    /// # Errors
    /// When it does not say.
    fn version(&self, sandbox: &Sandbox) -> Result<String> {
        matrix::known_version(Self::NAME, || self.ask_version(sandbox))
    }
}

/// A file below the folder of clients that `cargo xtask test` fills.
fn installed(path: &str) -> Result<PathBuf, String> {
    let folder = variable("VALETKEY_CLIENTS").map(PathBuf::from);
    let file = folder.ok_or("`VALETKEY_CLIENTS` names no folder of clients")?.join(path);
    if file.exists() { Ok(file) } else { Err(format!("`{path}` is not among the clients")) }
}

/// Before NuGet 6.4 a plugin has five seconds to start, which a machine under load may not give to anybody. The limit
/// for answers stays what it is.
fn be_patient(command: &mut Command) {
    command.env("NUGET_PLUGIN_HANDSHAKE_TIMEOUT_IN_SECONDS", "60");
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}
