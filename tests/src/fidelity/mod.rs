//! Programs of other people, unchanged and under their documented configuration, against the emulator under
//! Microsoft's own names.

pub mod artifacts;
pub mod attended;
pub mod azureauth;
mod curl;
pub mod desk;
mod gcm;
mod git;
pub mod leftovers;
pub mod mask;
pub mod msal;
pub mod others;
pub mod record;
mod row;
pub mod shape;
mod stage;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub use row::Row;
pub use stage::{Stage, client};

use crate::{Dotnet, find_on_path};

/// One thing that people do with one client.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// The client, as people call it.
    pub client: &'static str,
    /// What is done with it.
    pub name: &'static str,
    /// What has to be there, besides what every flow needs.
    pub needs: Needs,
    /// Does it, and checks each step. Gives the version that the client names as its own.
    pub run: fn(&mut Stage) -> Result<String>,
}

/// Programs that a flow starts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// Programs on PATH.
    pub programs: &'static [&'static str],
    /// Files below the folder that `VALETKEY_CLIENTS` names, as [`client`] takes them.
    pub clients: &'static [&'static str],
    /// Whether it needs a .NET SDK.
    pub dotnet: bool,
}

impl Needs {
    /// What of it is not here, in words.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let absent = |name: &&&str| find_on_path(name).is_none();
        let program = self.programs.iter().find(absent).copied();
        let file = || self.clients.iter().find(|path| client(path).is_none()).copied();
        if let Some(name) = program.or_else(file) {
            return Some(format!("`{name}` is not installed"));
        }
        let without = self.dotnet && Dotnet::find().is_none();
        without.then(|| "no .NET SDK on PATH, and `VALETKEY_DOTNET` names none".to_owned())
    }
}

/// Every flow there is.
#[must_use]
pub fn flows() -> Vec<Flow> {
    [git::FLOWS, curl::FLOWS, gcm::FLOWS, azureauth::FLOWS, artifacts::FLOWS, msal::FLOWS].concat()
}

/// The flow of that client and name.
///
/// # Errors
/// When there is none.
pub fn flow(client: &str, name: &str) -> Result<Flow> {
    let found = flows().into_iter().find(|flow| flow.client == client && flow.name == name);
    found.with_context(|| format!("there is no flow `{name}` of {client}"))
}

/// Text that a step must have said.
///
/// # Errors
/// When it did not.
pub fn expect_text(said: &str, words: &str) -> Result<()> {
    if !said.contains(words) {
        bail!("`{words}` is not in: {said}");
    }
    Ok(())
}

/// The file of a flow's recorded conversation.
#[must_use]
pub fn fixture(client: &str, flow: &str) -> std::path::PathBuf {
    let name = format!("{client}-{flow}.jsonl").to_lowercase().replace(' ', "-");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fidelity").join(name)
}
