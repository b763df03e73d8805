//! What each real client was seen to do: a cell of the matrix that `cargo xtask test` prints at its end.

use std::{
    fs::OpenOptions,
    io::Write as _,
    sync::{Mutex, PoisonError},
};

use crate::skip::variable;

/// How a cell stands. One that begins and says nothing more has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// The test runs.
    Begun,
    /// The client did it.
    Yes,
    /// The client is not here.
    Skipped(String),
    /// The test has shown that it cannot be, and why.
    Cannot(String),
}

impl Cell {
    fn words(&self) -> (&str, &str) {
        match self {
            Self::Begun => ("begun", ""),
            Self::Yes => ("yes", ""),
            Self::Skipped(why) => ("skipped", why),
            Self::Cannot(why) => ("cannot", why),
        }
    }
}

/// Adds a line to the file that `VALETKEY_MATRIX` names: client, version, case, state, reason.
///
/// # Panics
/// When it cannot be written.
pub fn record(client: &str, version: &str, case: &str, cell: &Cell) {
    let Some(path) = variable("VALETKEY_MATRIX") else { return };
    let (state, why) = cell.words();
    let fields = [client, version, case, state, why].map(|field| field.replace(['\t', '\n', '\r'], " "));
    let line = format!("{}\n", fields.join("\t"));
    let file = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(written.is_ok(), "{client} × {case} could not be recorded");
}

/// What a client said its version is; asked once in a test run.
pub(crate) fn known_version<E>(
    client: &'static str,
    ask: impl FnOnce() -> Result<String, E>,
) -> Result<String, E> {
    static KNOWN: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, version)) = known.iter().find(|(name, _)| *name == client) {
        return Ok(version.clone());
    }
    let version = ask()?;
    known.push((client, version.clone()));
    Ok(version)
}
