//! Whoever sees no terminal is called on their desktop, by a real notification daemon.

use std::process::Command;

use anyhow::{Result, ensure};
use valetkey_tests::needs;

/// A screen that nobody sees, and a daemon on it.
const DESKTOP: &str = r#"
Xvfb -displayfd 3 -nolisten tcp 3>"$HOME/display" 2>"$HOME/screen.log" &
screen=$!
for _ in $(seq 1200); do [ -s "$HOME/display" ] && break; sleep 0.05; done
DISPLAY=":$(cat "$HOME/display")" dunst >"$HOME/dunst.log" 2>&1 &
desktop=$!
there() {
    dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.Notifications | grep --quiet true
}
for _ in $(seq 1200); do there && break; sleep 0.05; done
"$@"
code=$?
kill $desktop $screen
exit $code
"#;

#[test]
fn a_session_that_ends_in_the_background_calls_its_person_once() -> Result<()> {
    let wanted = ["dbus-run-session", "dbus-send", "Xvfb", "dunst", "setsid", "script"];
    if !needs("re_sign_in_notified", &wanted) {
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let world = env!("CARGO_BIN_EXE_notification-world");
    let out = Command::new("timeout")
        .args(["600", "dbus-run-session", "--", "sh", "-c", DESKTOP, "sh", world])
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
