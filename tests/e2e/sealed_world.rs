//! The shipped programs under Azure's own names, with no override at all.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{needs, skip};

/// In namespaces of its own: Azure's names lead to 127.0.0.1, and nothing leads anywhere else.
const ENTER: &str = r#"
set -eu
ip link set lo up
mount --bind "$1" /etc/hosts
shift
exec dbus-run-session -- sh -c '
    eval "$(printf sealed | gnome-keyring-daemon --unlock --components=secrets)" >/dev/null
    exec "$@"' sh "$@"
"#;

const HOSTS: &str = "127.0.0.1 localhost dev.azure.com login.microsoftonline.com login.windows.net \
                     vssps.dev.azure.com contoso.visualstudio.com app.vssps.visualstudio.com \
                     pkgs.dev.azure.com\n";

#[test]
fn the_shipped_programs_need_no_override() -> Result<()> {
    const NAME: &str = "sealed_world";
    if !needs(NAME, &["unshare", "ip", "dbus-run-session", "gnome-keyring-daemon"]) {
        return Ok(());
    }
    let mut enter = vec!["--net", "--mount"];
    if !is_root()? {
        enter.extend(["--user", "--map-root-user"]);
    }
    if !Command::new("unshare").args(&enter).arg("true").status()?.success() {
        skip(NAME, "namespaces may not be made here");
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let hosts = home.path().join("hosts");
    fs::write(&hosts, HOSTS)?;
    let out = Command::new("timeout")
        .args(["120", "unshare"])
        .args(&enter)
        .args(["sh", "-c", ENTER, "sh"])
        .arg(&hosts)
        .arg(env!("CARGO_BIN_EXE_sealed-world"))
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path())
        .output()
        .context("cannot enter the sealed world")?;
    ensure!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}
