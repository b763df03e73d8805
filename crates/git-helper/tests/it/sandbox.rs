//! A home of its own for one test: the helper's program, a folder for the socket, and a git.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use interprocess::local_socket::{GenericFilePath, ListenerOptions, Stream, prelude::*};
use valetkey_protocol::{Answer, Hello, Request, Welcome, read_frame, write_frame};

pub(crate) struct Sandbox {
    root: tempfile::TempDir,
    git: PathBuf,
}

/// Exit code and both streams of one run of git.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status.map_or("signal".to_owned(), |status| status.to_string());
        writeln!(f, "exit: {status}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// Runs a test in a fresh sandbox for every git of this machine, and says which one it was.
pub(crate) fn with_each_git(test: impl Fn(&Sandbox)) {
    let places = ["/usr/bin/git", "/usr/local/bin/git", "/opt/homebrew/bin/git"];
    let found: Vec<_> = places.iter().map(PathBuf::from).filter(|place| place.exists()).collect();
    assert!(!found.is_empty(), "no git in {places:?}");
    for git in found {
        let sandbox = Sandbox::new(git);
        eprintln!("{} {:?}", sandbox.git.display(), sandbox.version());
        test(&sandbox);
    }
}

impl Sandbox {
    fn new(git: PathBuf) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "home", "run/valetkey", "work"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::set_permissions(root.path().join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        fs::set_permissions(root.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let sandbox = Self { root, git };
        copy(Path::new(env!("CARGO_BIN_EXE_git-credential-valetkey")), &sandbox.helper());
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn helper(&self) -> PathBuf {
        self.path("bin/git-credential-valetkey")
    }

    /// A shell script under that name.
    pub(crate) fn script(&self, name: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o700)).unwrap();
        copy(&draft, &self.path(name));
    }

    /// Major and minor version of git.
    pub(crate) fn version(&self) -> (u32, u32) {
        let said = String::from_utf8(self.command(["--version"]).output().unwrap().stdout).unwrap();
        let mut parts = said.split([' ', '.']).skip(2).map(|part| part.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap())
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.git);
        command
            .args(arguments)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("work").display()))
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
    }

    /// `git credential` with this helper, and after it one that leaves a note and answers for anybody.
    pub(crate) fn credential(&self, operation: &str, input: &str) -> Output {
        self.script(
            "second",
            "touch \"$0.asked\"\n[ \"$1\" = get ] && printf 'username=second\\npassword=other\\n'",
        );
        let ours = format!("credential.helper={}", self.helper().display());
        let second = format!("credential.helper={}", self.path("second").display());
        let mut child = self
            .command([
                "-c",
                &ours,
                "-c",
                &second,
                "-c",
                "credential.protectProtocol=false",
                "-c",
                "credential.useHttpPath=true",
                "credential",
                operation,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text =
            |bytes| String::from_utf8(bytes).unwrap().replace(self.root.path().to_str().unwrap(), "[ROOT]");
        Output { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn second_helper_was_asked(&self) -> bool {
        self.path("second.asked").exists()
    }

    /// Listens as the agent and answers every question; nothing means to hang up instead. What was asked is sent on.
    pub(crate) fn agent(
        &self,
        answer: impl Fn(&Request) -> Option<Answer> + Send + 'static,
    ) -> Receiver<Request> {
        let socket = self.path("run/valetkey/agent.sock");
        let name = socket.as_path().to_fs_name::<GenericFilePath>().unwrap();
        let listener = ListenerOptions::new().name(name).create_sync().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(request) = serve(stream.unwrap(), &answer) else { continue };
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

fn serve(mut stream: Stream, answer: impl Fn(&Request) -> Option<Answer>) -> Option<Request> {
    stream.set_recv_timeout(Some(Duration::from_secs(60))).unwrap();
    let hello: Hello = read_frame(&mut stream).ok()?;
    write_frame(&mut stream, &Welcome::to(&hello, "test")).ok()?;
    let request = read_frame(&mut stream).ok()?;
    if let Some(answer) = answer(&request) {
        write_frame(&mut stream, &answer).ok()?;
    }
    Some(request)
}

/// By another process: a file that this process had open for writing could be inherited by a child which another
/// test starts at the same moment, and then nobody may run it.
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
}
