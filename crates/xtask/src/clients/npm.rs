//! From npm.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::runner::must;

/// Installs packages with no scripts of theirs run: what is wanted of them lies in them as it is.
pub(crate) fn install(into: &Path, pins: &[&str]) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    npm.arg("--prefix").arg(into).args(pins);
    must(&mut npm, &format!("npm install {}", pins.join(" ")))
}
