//! Starting programs and saying so.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// A line for the person, on standard error: standard output belongs to results.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The workspace's top folder.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.current_dir(workspace());
    command
}

/// The folder cargo builds into.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let out = cargo()
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .stderr(Stdio::null())
        .output()
        .context("cargo metadata")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let (_, rest) =
        text.split_once("\"target_directory\":\"").context("cargo metadata names no target folder")?;
    let (path, _) = rest.split_once('"').context("cargo metadata is cut short")?;
    Ok(PathBuf::from(path))
}

/// Runs a program to its end, showing the command first; a failing one is an error.
pub(crate) fn must(command: &mut Command, what: &str) -> Result<()> {
    say(&format!("==> {what}"));
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Whether a program of that name is on PATH, or where Debian puts servers.
pub(crate) fn on_path(name: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a build command looks for programs where the shell would")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = [PathBuf::from("/usr/sbin")];
    std::env::split_paths(&path).chain(servers).any(|folder| folder.join(name).is_file())
}

/// A variable of the build commands, if it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a variable of the build commands, not of the product")]
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}
