//! What NuGet remembers of plugins: one said to give no credentials is not even started, for 30 days
//! (NuGet/Home issue 15047).
//!
//! One folder a plugin, one file a question, the names hashes of both. Only the question without a source decides
//! whether a plugin is asked for credentials; a plugin's empty answer about one source is as it should be.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use valetkey_paths::env;

use super::Finding;
use crate::world::Place;

/// The file of the question `Source-Agnostic`: SHA-1 backwards in older clients, SHA-256 cut to 20 bytes in NuGet 7.9.
const FILES: [&str; 2] =
    ["74a594ddd0c3ce7fee856b0becaafe1b68ec97a7.dat", "e31fb857036daf0857c70f5a13956500adde37dc.dat"];
/// What the folder is called, by client.
const FOLDERS: [&str; 2] = ["plugins-cache", "plugin-cache"];
/// NuGet's number for the claim `Authentication`.
const AUTHENTICATION: u64 = 1;
/// How long NuGet believes a file.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn check(place: &Place) -> Vec<Finding> {
    let named = place.environment.get(env::NUGET_PLUGINS_CACHE_PATH);
    let folders = named.map_or_else(
        || FOLDERS.map(|name| data_folder(place).join("NuGet").join(name)).to_vec(),
        |folder| vec![PathBuf::from(folder)],
    );
    let mut findings = Vec::new();
    for plugin in folders.iter().flat_map(|folder| folder.read_dir().into_iter().flatten().flatten()) {
        for file in FILES.map(|file| plugin.path().join(file)) {
            if is_poisoned(&file) {
                findings.push(Finding::new(
                    "plugins-cache",
                    format!(
                        "NuGet remembers in `{}` that a plugin gives no credentials, and does not start it",
                        file.display()
                    ),
                    "run `dotnet nuget locals plugins-cache --clear`",
                ));
            }
        }
    }
    findings.sort_by(|one, other| one.sentence.cmp(&other.sentence));
    findings
}

/// .NET: `Environment.SpecialFolder.LocalApplicationData`.
fn data_folder(place: &Place) -> PathBuf {
    if cfg!(windows) {
        return place.home.join("AppData/Local");
    }
    match place.environment.get(env::XDG_DATA_HOME) {
        Some(folder) => PathBuf::from(folder),
        None => place.home.join(".local/share"),
    }
}

/// Whether it is believed and says anything but that the plugin authenticates.
fn is_poisoned(file: &Path) -> bool {
    let Ok(facts) = file.metadata() else { return false };
    let age = facts.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    if age.is_some_and(|age| age > MAX_AGE) || facts.len() > 4096 {
        return false;
    }
    let claims = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Vec<u64>>(&text).ok());
    claims.is_some_and(|claims| !claims.contains(&AUTHENTICATION))
}
