//! What lies in a sandbox.

use std::{fs, path::Path};

use anyhow::Result;

/// Every file below a folder: its path, and what is in it as text.
pub fn read_below(folder: &Path, into: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_below(&entry.path(), into)?;
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            into.push((entry.path().display().to_string(), text));
        }
    }
    Ok(())
}
