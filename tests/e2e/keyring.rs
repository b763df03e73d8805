//! The agent over a real keyring, and over none.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{Rig, find_on_path, needs};

const UNLOCKED: &str = r#"
eval "$(printf sealed | gnome-keyring-daemon --unlock --components=secrets)" >/dev/null
exec "$@"
"#;

#[test]
fn sessions_rest_in_a_real_keyring_and_a_hung_one_stops_nothing() -> Result<()> {
    if !needs("keyring", &["dbus-run-session", "gnome-keyring-daemon", "dbus-send"]) {
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let out = Command::new("timeout")
        .args([
            "300",
            "dbus-run-session",
            "--",
            "sh",
            "-c",
            UNLOCKED,
            "sh",
            env!("CARGO_BIN_EXE_keyring-world"),
        ])
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path())
        .output()?;
    ensure!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}

#[test]
fn without_a_keyring_it_works_until_the_agent_ends_and_says_so() -> Result<()> {
    let rig = Rig::with(&find_on_path("git").context("git")?, "[vault]\nstore = \"os\"\n")?;
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    let url = rig.repository("contoso/widgets/_git/widgets");
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])?.expect_ok("ls-remote")?;
    let status = rig.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("keyring"), "status says nothing of the keyring: {status}");
    let report = rig.sandbox.valetkey(&["status", "--json"])?.stdout();
    let report: serde_json::Value = serde_json::from_str(&report)?;
    ensure!(report["vault"]["state"] == "absent", "{}", report["vault"]);
    rig.sandbox.valetkey(&["logout"])?;
    ensure!(rig.control().live_pats().is_empty(), "keys are left alive");
    Ok(())
}
