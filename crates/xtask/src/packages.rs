//! Programs the tests drive that a bare machine lacks.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::runner::{must, on_path, say};

/// A Debian package and the program whose absence calls for it.
const WANTED: [(&str, &str); 20] = [
    ("git", "git"),
    ("gnome-keyring", "gnome-keyring-daemon"),
    ("dbus", "dbus-run-session"),
    ("libsecret-tools", "secret-tool"),
    ("dunst", "dunst"),
    ("xvfb", "Xvfb"),
    ("keyutils", "keyctl"),
    ("iproute2", "ip"),
    ("util-linux", "unshare"),
    ("chromium", "chromium"),
    ("chromium-driver", "chromedriver"),
    ("xz-utils", "xz"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("mono-complete", "cert-sync"),
    ("nginx", "nginx"),
    ("fcgiwrap", "fcgiwrap"),
    ("npm", "npm"),
    ("python3-pip", "pip3"),
    ("python3-venv", "python3"),
];

/// Installs what is missing when this is Debian and we may; otherwise says what is missing and goes on: the tests
/// that need it then count as skipped, by name.
pub(crate) fn ensure() -> Result<()> {
    let missing: Vec<_> = WANTED.iter().filter(|(_, program)| !on_path(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|(package, _)| *package).collect();
    if !on_path("apt-get") || !may_install() {
        say(&format!(
            "==> not installed here: {} (tests that need them are skipped and counted)",
            names.join(", ")
        ));
        return Ok(());
    }
    must(apt().arg("update").stdout(Stdio::null()), "apt-get update")?;
    let mut install = apt();
    install.args(["install", "--yes", "--no-install-recommends"]).args(&names).stdout(Stdio::null());
    must(&mut install, &format!("apt-get install {}", names.join(" ")))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet=2").env("DEBIAN_FRONTEND", "noninteractive");
    // In the single-user run level no service is started: nginx is wanted for its program.
    command.env("RUNLEVEL", "1");
    command
}

fn may_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}
