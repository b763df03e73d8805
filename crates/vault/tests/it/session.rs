//! A session bus with a gnome-keyring of its own, under a home of its own.

use std::{
    fs::{self, DirBuilder},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{probe, probe::Probe, skip};

/// Not ended by a line break: that would be a part of it.
const PASSWORD: &[u8] = b"hunter2";

/// A bus on which nothing is started on demand, as on a server.
const QUIET_BUS: &str = r#"<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

pub(crate) struct Session {
    home: TempDir,
    /// Holds the bus: it ends when its input does.
    bus: Child,
    address: String,
    keyring: Option<Child>,
}

impl Session {
    /// A bus and an unlocked keyring, or nothing where the programs are missing.
    pub(crate) fn start() -> Option<Self> {
        let mut session = Self::without_keyring(true)?;
        session.start_keyring();
        Some(session)
    }

    /// A bus alone. `on_demand` is whether it starts services itself.
    pub(crate) fn without_keyring(on_demand: bool) -> Option<Self> {
        if !skip::have(&["dbus-run-session", "gnome-keyring-daemon", "dbus-send"]) {
            return None;
        }
        let home = TempDir::new().unwrap();
        for folder in ["run", ".local/share/keyrings"] {
            DirBuilder::new().recursive(true).mode(0o700).create(home.path().join(folder)).unwrap();
        }
        let mut command = Command::new("dbus-run-session");
        if !on_demand {
            let configuration = home.path().join("bus.conf");
            fs::write(&configuration, QUIET_BUS).unwrap();
            command.arg("--config-file").arg(configuration);
        }
        command.args(["--", "sh", "-c", "echo $DBUS_SESSION_BUS_ADDRESS; exec cat"]);
        private(&mut command, home.path());
        let mut bus =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "no bus: `{address}`");
        Some(Self { home, bus, address: address.trim_end().to_owned(), keyring: None })
    }

    /// A keyring that is open.
    pub(crate) fn start_keyring(&mut self) {
        self.run_keyring(&["--replace", "--unlock"], PASSWORD);
    }

    /// A keyring service to which nobody ever gave a password, and which so has made no keyring.
    pub(crate) fn start_keyring_without_password(&mut self) {
        self.run_keyring(&[], b"");
    }

    fn run_keyring(&mut self, arguments: &[&str], password: &[u8]) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(arguments);
        let mut keyring =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        keyring.stdin.take().unwrap().write_all(password).unwrap();
        let pid = keyring.id();
        if let Some(former) = self.keyring.replace(keyring) {
            end(former);
        }
        // The name comes a moment after the process: the bus is asked until it is there.
        let began = Instant::now();
        while self.keyring_pid() != Some(pid) {
            assert!(began.elapsed() < probe::PATIENCE, "the keyring never came up");
        }
    }

    /// A process on this bus.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        private(&mut command, self.home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    /// A vault over this keyring.
    pub(crate) fn probe(&self, deadline_ms: &str) -> Probe {
        let mut command = self.command(probe::program().to_str().unwrap());
        Probe::start(command.args([deadline_ms, "os"]))
    }

    pub(crate) fn lock_keyring(&self) {
        let locked = self.send(
            "org.freedesktop.secrets",
            &[
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ],
        );
        assert!(locked.is_some(), "the keyring would not lock");
    }

    pub(crate) fn signal_keyring(&self, signal: Signal) {
        let pid = self.keyring.as_ref().unwrap().id();
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
    }

    pub(crate) fn kill_keyring(&mut self) {
        end(self.keyring.take().unwrap());
    }

    /// Process id of whoever is the keyring on this bus.
    fn keyring_pid(&self) -> Option<u32> {
        let answer = self.send(
            "org.freedesktop.DBus",
            &["/", "org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.secrets"],
        )?;
        answer.split_whitespace().last()?.parse().ok()
    }

    fn send(&self, to: &str, call: &[&str]) -> Option<String> {
        let mut command = self.command("dbus-send");
        command.args(["--session", "--print-reply", &format!("--dest={to}")]).args(call);
        let output = command.stderr(Stdio::null()).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(keyring) = self.keyring.take() {
            end(keyring);
        }
        drop(self.bus.stdin.take());
        let _ = self.bus.wait();
    }
}

fn private(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).current_dir(home);
    command.env("PATH", skip::variable("PATH").unwrap_or_default());
}

fn end(mut process: Child) {
    let _ = process.kill();
    let _ = process.wait();
}
