//! A network and mount namespace of its own, where the names of Microsoft's services lead to this machine and no name
//! leads anywhere else.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_demo::Sandbox;
use valetkey_emulator::Emulator;

use crate::{needs, programs, skip, variable};

/// What has to be installed to get in.
const NEEDED: [&str; 4] = ["unshare", "ip", "dbus-run-session", "gnome-keyring-daemon"];

/// A message bus with an unlocked keyring stands inside, and this machine has the address of Azure's metadata service.
///
/// /tmp is an own one, where what lies in the machine's can be seen under its name: whatever is left there goes with the
/// world.
const ENTER: &str = r#"
set -eu
ip link set lo up
ip address add 169.254.169.254/32 dev lo
mount --bind "$1/hosts" /etc/hosts
mkdir "$1/tmp"
mount -t tmpfs none "$1/tmp"
cd "$1/tmp"
chmod 1777 .
mkdir .outside
mount --bind /tmp .outside
ln -s .outside/* .outside/.tmp* .
cd "$OLDPWD"
mount --rbind "$1/tmp" /tmp
shift
exec dbus-run-session -- sh -c '
    eval "$(printf sealed | gnome-keyring-daemon --unlock --components=secrets)" >/dev/null
    exec "$@"' sh "$@"
"#;

/// The names, all of them the emulator's.
const NAMES: [&str; 21] = [
    "localhost",
    "dev.azure.com",
    "contoso.visualstudio.com",
    "vssps.dev.azure.com",
    "app.vssps.visualstudio.com",
    "contoso.vssps.visualstudio.com",
    "vssps.visualstudio.com",
    "pkgs.dev.azure.com",
    "contoso.pkgs.visualstudio.com",
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "microsoft.com",
    "www.microsoft.com",
    "aka.ms",
    "www.nuget.org",
    "nuget.org",
    "api.nuget.org",
    "graph.microsoft.com",
    "management.core.windows.net",
    "management.azure.com",
];

/// Runs a program in such a world, with a home of its own, for at most that many seconds. `None` when this machine does
/// not allow it; the skip is recorded then.
///
/// # Errors
/// When the program cannot be started; how it ended is for the caller to judge.
pub fn run_sealed(test: &str, seconds: u32, command: &[&Path]) -> Result<Option<Output>> {
    if !needs(test, &NEEDED) {
        return Ok(None);
    }
    let mut enter = vec!["--net", "--mount"];
    if !is_root()? {
        enter.extend(["--user", "--map-root-user"]);
    }
    if !Command::new("unshare").args(&enter).arg("true").status()?.success() {
        skip(test, "namespaces may not be made here");
        return Ok(None);
    }
    let home = tempfile::tempdir()?;
    fs::write(home.path().join("hosts"), format!("127.0.0.1 {}\n", NAMES.join(" ")))?;
    let output = Command::new("timeout")
        .arg(format!("{seconds}"))
        .arg("unshare")
        .args(&enter)
        .args(["sh", "-c", ENTER, "sh"])
        .arg(home.path())
        .args(command)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path())
        .output()
        .context("cannot enter the sealed world")?;
    Ok(Some(output))
}

/// A home inside such a world that trusts the emulator, and has the world's keyring.
///
/// # Errors
/// When the shipped programs are not there, or the home cannot be made.
pub fn sealed_home(git: &Path, emulator: &Emulator) -> Result<Sandbox> {
    let mut sandbox = Sandbox::new(&programs()?, git)?;
    let authority = sandbox.home().join("authority.pem");
    fs::write(&authority, emulator.ca_pem())?;
    let authority = authority.display().to_string();
    for name in ["SSL_CERT_FILE", "GIT_SSL_CAINFO"] {
        sandbox.set(name, authority.clone());
    }
    if let Some(bus) = variable("DBUS_SESSION_BUS_ADDRESS") {
        sandbox.set("DBUS_SESSION_BUS_ADDRESS", bus.to_string_lossy());
    }
    Ok(sandbox)
}

/// Puts an empty folder in the place of one of the machine's, for this world only.
///
/// # Errors
/// When it cannot be mounted.
pub fn cover(folder: &str) -> Result<()> {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none", folder]).status()?;
    ensure!(mounted.success(), "nothing can be mounted on `{folder}`");
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}
