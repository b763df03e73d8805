//! Programs of other people, unchanged and under their documented configuration, against the emulator under
//! Microsoft's own names.

pub mod artifacts;
pub mod attended;
pub mod azureauth;
mod curl;
pub mod desk;
mod gcm;
mod git;
pub mod mask;
pub mod msal;
pub mod others;
pub mod record;
pub mod shape;
mod stage;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub use stage::{Stage, client};

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
    /// Files below the folder that `VALETKEY_CLIENTS` names.
    pub clients: &'static [&'static str],
}

/// What became of a flow, as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The client.
    pub client: String,
    /// The flow.
    pub flow: String,
    /// The client's version in its own words; empty when it was not asked.
    pub version: String,
    /// `passed`, `failed` or `skipped`.
    pub outcome: &'static str,
    /// Why, in one line; empty for a flow that passed.
    pub reason: String,
}

impl Report {
    /// The line of the file that `VALETKEY_FIDELITY` names: five fields with a tab between.
    #[must_use]
    pub fn line(&self) -> String {
        let fields = [&self.client, &self.flow, &self.version, self.outcome, &self.reason];
        fields.map(|field| field.split_whitespace().collect::<Vec<_>>().join(" ")).join("\t")
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
