//! What lies in a sandbox.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use anyhow::{Context as _, Result};

/// Every file below a folder: its path, and what is in it as text.
pub fn read_below(folder: &Path, into: &mut Vec<(String, String)>) -> Result<()> {
    let name = || folder.display().to_string();
    for entry in unless_gone(fs::read_dir(folder)).with_context(name)?.into_iter().flatten() {
        let entry = entry.with_context(name)?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            read_below(&path, into)?;
        } else if kind.is_file()
            && let Some(bytes) = unless_gone(fs::read(&path)).with_context(name)?
        {
            into.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(())
}

/// Programs that are at work there put files in each other's place meanwhile, and take them away.
fn unless_gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}
