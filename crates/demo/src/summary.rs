//! What the run amounted to.

use serde::Serialize;

/// The summary that `--json` prints.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Whether every step did what it should and nothing is left alive.
    pub(crate) ok: bool,
    /// The git that was used.
    pub(crate) git: String,
    /// The .NET SDK that was used, where there was one.
    pub(crate) dotnet: Option<String>,
    /// Every key that was minted, in order.
    pub(crate) minted: Vec<Minted>,
    /// How often a key was handed to git.
    pub(crate) handed_out: usize,
    /// Each step and how long it took, in milliseconds.
    pub(crate) steps: Vec<Step>,
    /// A warm answer of the helper, whole process: median of several, in milliseconds.
    pub(crate) warm_answer_ms: f64,
    /// Keys that are alive at the service after signing out.
    pub(crate) live_keys_left: usize,
    /// Rules of the emulator that were broken, such as a credential sent to the wrong host.
    pub(crate) violations: Vec<String>,
}

/// A key that was minted.
#[derive(Debug, Serialize)]
pub(crate) struct Minted {
    pub(crate) scope: String,
    pub(crate) organisation: String,
    pub(crate) key: String,
    pub(crate) during: String,
    pub(crate) lives_hours: f64,
}

/// One step.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) milliseconds: u128,
}
