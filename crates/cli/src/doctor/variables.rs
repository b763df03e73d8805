//! Variables that make NuGet look elsewhere.

use std::path::{Path, PathBuf};

use valetkey_paths::env;

use super::Finding;
use crate::{setup::nuget::PLUGIN, world::Place};

/// NuGet 6.13 and later look neither on the PATH nor into the folders where one of them is set; dotnet starts what
/// `NUGET_NETCORE_PLUGIN_PATHS` names through `dotnet`, so a native plugin has no place there.
pub(super) fn check(place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (variable, native) in [
        (env::NUGET_PLUGIN_PATHS, true),
        (env::NUGET_NETFX_PLUGIN_PATHS, true),
        (env::NUGET_NETCORE_PLUGIN_PATHS, false),
    ] {
        let Some(value) = place.environment.get(variable) else { continue };
        // Before 6.13 the separator was `;` everywhere.
        let named = std::env::split_paths(value)
            .flat_map(|path| path.to_string_lossy().split(';').map(PathBuf::from).collect::<Vec<_>>())
            .any(|path| leads_to_us(&path, native));
        if !named {
            let name = variable.name();
            let sentence = format!("`{name}` is set: NuGet starts the plugins it names, and not valetkey's");
            findings.push(Finding::new("variables", sentence, format!("unset `{name}`")));
        }
    }
    for variable in env::ARTIFACTS_PROVIDER {
        if place.environment.get(variable).is_some() {
            let name = variable.name();
            let sentence =
                format!("`{name}` is set: Microsoft's provider, where it is installed, answers from it");
            findings.push(Finding::new("variables", sentence, format!("unset `{name}`")));
        }
    }
    findings
}

fn leads_to_us(path: &Path, native: bool) -> bool {
    let is_ours = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let suffix = name.strip_prefix(PLUGIN);
        file.is_file()
            && suffix.is_some_and(|suffix| if native { suffix != ".dll" } else { suffix == ".dll" })
    };
    is_ours(path) || is_ours(&path.join(format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX)))
}
