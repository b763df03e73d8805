//! Plugins NuGet asks before ours. The first that gives an answer is believed.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::Finding;
use crate::{
    programs::is_program,
    setup::nuget::{self, Dotnet, PLUGIN},
    world::Place,
};

const CHECK: &str = "providers";

pub(super) fn check(place: &Place) -> Vec<Finding> {
    let plugins = place.home.join(".nuget/plugins");
    let mut findings = Vec::new();
    for (kind, extension, clients) in
        [("netcore", "dll", "dotnet asks"), ("netfx", "exe", "nuget.exe and MSBuild ask")]
    {
        for name in folders(&plugins.join(kind)) {
            let mut file = plugins.join(kind).join(&name).join(&name).into_os_string();
            file.push(format!(".{extension}"));
            let file = PathBuf::from(file);
            if name != PLUGIN && file.is_file() {
                let sentence = format!("{clients} `{}` before valetkey", name.display());
                findings.push(Finding::new(CHECK, sentence, format!("move `{}` away", file.display())));
            }
        }
    }
    findings.extend(on_path(place));
    findings.extend(old_sdks(place));
    findings
}

fn folders(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = folder
        .read_dir()
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// NuGet goes through the PATH folder by folder, and through a folder by the alphabet.
fn on_path(place: &Place) -> Vec<Finding> {
    let ours = nuget::on_path(&place.nuget_plugin, place.path().map(OsString::as_os_str));
    let Some(ours) = ours else {
        let sentence = format!("`{PLUGIN}` is not on the PATH, where NuGet looks for it");
        return vec![Finding::new(CHECK, sentence, "run `valetkey setup nuget`")];
    };
    let path = place.path().cloned().unwrap_or_default();
    let earlier = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| plugins_in(&folder))
        .take_while(|file| *file != ours);
    earlier
        .map(|file| {
            let sentence = format!("NuGet asks `{}` before valetkey", file.display());
            let next = "move its folder behind valetkey's on the PATH, or move it away";
            Finding::new(CHECK, sentence, next)
        })
        .collect()
}

fn plugins_in(folder: &Path) -> Vec<PathBuf> {
    folders(folder)
        .into_iter()
        .filter(|name| name.to_string_lossy().starts_with("nuget-plugin-"))
        .map(|name| folder.join(name))
        .filter(|file| is_program(file))
        .collect()
}

/// An SDK that looks only into the netcore folder, where nothing of ours is.
fn old_sdks(place: &Place) -> Option<Finding> {
    let dotnet = crate::programs::find("dotnet", place.path().map(OsString::as_os_str))?;
    let sdks = Dotnet::ask(&dotnet)?.sdks;
    let old = sdks.iter().find(|sdk| !sdk.looks_on_path())?;
    let shim = place.home.join(".nuget/plugins/netcore").join(PLUGIN).join(format!("{PLUGIN}.dll"));
    (!shim.is_file()).then(|| {
        let sentence = format!("SDK {old} looks for plugins where valetkey has none");
        Finding::new(CHECK, sentence, "run `valetkey setup nuget`")
    })
}
