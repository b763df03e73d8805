//! Which `NuGet.Config` files are in force, the closest first (Microsoft: "How settings are applied").

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The longest file that is read, in bytes.
const MAX: u64 = 1024 * 1024;

/// The files in force, and what is in them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Where they are.
    pub(crate) paths: Vec<PathBuf>,
    /// Their texts.
    pub(crate) texts: Vec<String>,
}

impl Files {
    /// One file alone, as `--configfile` has it.
    pub(crate) fn only(file: &Path) -> io::Result<Self> {
        Ok(Self { paths: vec![file.to_owned()], texts: vec![read(file)?] })
    }

    /// Those of a folder and all above it, then the person's, then the machine's. What cannot be read is left out, as
    /// NuGet does with what is not there.
    pub(crate) fn find(folder: &Path, person: &Path, machine: &Path) -> Self {
        let mut files = Self::default();
        let own = person.join("NuGet/NuGet.Config");
        let upwards = folder.ancestors().filter_map(in_folder);
        let beside = all_in(&person.join("config"));
        for path in upwards.chain([own]).chain(beside).chain(all_in(machine)) {
            if let Ok(text) = read(&path) {
                files.paths.push(path);
                files.texts.push(text);
            }
        }
        files
    }
}

/// The spellings NuGet looks for where case matters, in its order.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    ["nuget.config", "NuGet.config", "NuGet.Config"]
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

fn all_in(folder: &Path) -> Vec<PathBuf> {
    let is_config =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("config"));
    let mut files: Vec<_> = folder
        .read_dir()
        .map(|entries| entries.flatten().map(|entry| entry.path()).filter(is_config).collect())
        .unwrap_or_default();
    files.sort();
    files
}

fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
