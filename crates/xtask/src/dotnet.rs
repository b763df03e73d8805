//! The .NET SDK for tests and demo: one that is there, or an archive of one that a variable names.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::runner::{must, target_dir, variable};

/// Names a `.tar.xz` of an SDK; it is unpacked once, into the target folder.
const ARCHIVE: &str = "VALETKEY_DOTNET_ARCHIVE";
/// Names the `dotnet` to use; read by demo and tests as well.
pub(crate) const PROGRAM: &str = "VALETKEY_DOTNET";

/// The `dotnet` that tests are to use besides the one on PATH: what is named, or what the named archive holds.
pub(crate) fn program() -> Result<Option<PathBuf>> {
    if let Some(named) = variable(PROGRAM) {
        return Ok(Some(named));
    }
    let Some(archive) = variable(ARCHIVE) else { return Ok(None) };
    let into = target_dir()?.join("dotnet-sdk");
    let dotnet = into.join("dotnet").join("dotnet");
    if !dotnet.is_file() {
        std::fs::create_dir_all(&into)?;
        let mut unpack = Command::new("tar");
        unpack.arg("-xJf").arg(&archive).arg("-C").arg(&into);
        must(&mut unpack, "unpack the .NET SDK")
            .with_context(|| format!("{ARCHIVE}={}", archive.display()))?;
    }
    Ok(Some(dotnet))
}
