//! The shipped program, in a home of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use valetkey_protocol::{
    Answer, ClientKind, ExposeSecret as _, Flow, Hello, LoginRequest, NewNugetKey, NugetOperation,
    NugetOrgRequest, NugetRight, ProxyCredentials, Reason, Request, StatusReport, VaultState, VaultTier,
    Welcome, read_frame, write_frame,
};

/// An upper bound for anything; nothing takes this long when it passes.
const BOUND: Duration = Duration::from_secs(60);

struct Home(TempDir);

impl Home {
    fn new(configuration: &str) -> Self {
        let home = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir_all(home.configuration().parent().expect("it has one")).expect("a folder");
        home.configure(configuration);
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn configuration(&self) -> PathBuf {
        self.path("config/valetkey/config.toml")
    }

    fn configure(&self, text: &str) {
        fs::write(self.configuration(), text).expect("a file");
        fs::set_permissions(self.configuration(), fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey-agent"));
        let run = self.path("run");
        let _ = fs::create_dir(&run);
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).expect("a mode");
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_RUNTIME_DIR", run)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    fn start(&self) -> Running {
        let mut running = self.spawn();
        assert_eq!(running.line, "ready\n");
        running.child.stdout = None;
        running
    }

    fn spawn(&self) -> Running {
        let mut child = self.command(&["run", "--background"]).spawn().expect("the program");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        Running { child, line, out }
    }

    fn ask(&self, request: &Request) -> Answer {
        let stream = UnixStream::connect(self.path("run/valetkey/agent.sock")).expect("it listens");
        stream.set_read_timeout(Some(BOUND)).expect("a bound");
        write_frame(&stream, &Hello::new(ClientKind::Cli)).expect("it listens");
        let Welcome::Ready { .. } = read_frame(&stream).expect("a welcome") else { panic!("not welcome") };
        write_frame(&stream, request).expect("it listens");
        read_frame(&stream).expect("an answer")
    }

    fn status(&self) -> StatusReport {
        let Answer::Status(report) = self.ask(&Request::Status) else { panic!("no status") };
        *report
    }

    /// What a person sees, with this test's folder taken out.
    fn shown(&self, output: &Output) -> String {
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.0.path().display().to_string(), "~");
        format!("{:?}\n{}", output.status.code(), text(&output.stdout))
    }
}

struct Running {
    child: Child,
    line: String,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it lives");
    }

    fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("our child").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const MEMORY: &str = "[vault]\nstore = \"memory\"\n";

#[test]
fn it_says_that_it_is_ready_and_lets_go_of_the_pipe() {
    let home = Home::new(MEMORY);
    let mut running = home.spawn();
    assert_eq!(running.line, "ready\n");
    let mut rest = String::new();
    running.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the starter sees the end while the agent goes on");
    let status = home.status();
    assert_eq!((status.pid, status.vault.tier), (running.child.id(), VaultTier::Memory));
    assert_eq!(status.warnings, Vec::<String>::new());
    assert!(matches!(home.ask(&Request::Stop), Answer::Done));
    assert_eq!(running.ended(), Some(0));
    assert!(!home.path("run/valetkey/agent.sock").exists());
    let mode = |file: &str| fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("state/valetkey"), mode("state/valetkey/agent.log")), (0o700, 0o600));
}

#[test]
fn it_is_hardened() {
    let home = Home::new(MEMORY);
    let running = home.start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // What is not dumpable belongs to root in /proc, and no other process of the user can look into it.
    let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    assert!(status.contains("Umask:\t0077"), "{status}");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", running.child.id())).unwrap(), Path::new("/"));
}

#[test]
fn the_second_says_that_there_is_one() {
    let home = Home::new(MEMORY);
    let _running = home.start();
    let second = home.command(&["run", "--background"]).output().unwrap();
    insta::assert_snapshot!(home.shown(&second), @r"
    Some(1)
    failed another agent is running	run `valetkey agent restart` to replace it
    ");
}

#[test]
fn of_twenty_programs_one_serves() {
    let home = Home::new(MEMORY);
    let mut starting: Vec<_> = (0..20)
        .map(|_| {
            let mut command = home.command(&["run", "--background"]);
            command.spawn().expect("the program")
        })
        .collect();
    let lines: Vec<_> = starting
        .iter_mut()
        .map(|child| {
            let mut line = String::new();
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            line
        })
        .collect();
    assert_eq!(lines.iter().filter(|line| *line == "ready\n").count(), 1, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("failed another agent is running\t")).count(), 19);
    assert!(matches!(home.ask(&Request::Stop), Answer::Done));
    for mut child in starting {
        child.wait().unwrap();
    }
}

#[test]
fn after_a_violent_end_the_next_begins() {
    let home = Home::new(MEMORY);
    for _ in 0..3 {
        let running = home.start();
        running.signal(Signal::KILL);
        assert_eq!(running.ended(), None);
        assert!(home.path("run/valetkey/agent.sock").exists(), "what is left behind");
    }
    let _running = home.start();
    assert!(matches!(home.ask(&Request::Ping), Answer::Done));
}

#[test]
fn a_signal_ends_it() {
    let home = Home::new(MEMORY);
    for signal in [Signal::TERM, Signal::INT] {
        let running = home.start();
        running.signal(signal);
        assert_eq!(running.ended(), Some(0));
        assert!(!home.path("run/valetkey/agent.sock").exists());
    }
}

#[test]
fn a_bad_configuration_is_told_and_not_begun_with() {
    let home = Home::new("[keys]\nlifetime = 4\n");
    let output = home.command(&["run", "--background"]).output().unwrap();
    insta::assert_snapshot!(home.shown(&output), @r"
    Some(1)
    failed `~/config/valetkey/config.toml` line 2: unknown key `lifetime`	known here: `lifetime-hours`, `allow-write`, `mints-per-hour`
    ");
}

#[test]
fn a_configuration_that_others_can_write_is_refused() {
    let home = Home::new(MEMORY);
    fs::set_permissions(home.configuration(), fs::Permissions::from_mode(0o620)).unwrap();
    let output = home.command(&["run", "--background"]).output().unwrap();
    let shown = home.shown(&output);
    assert!(shown.starts_with("Some(1)\nfailed `~/config/valetkey/config.toml` "), "{shown}");
    assert!(!home.path("run/valetkey/agent.sock").exists());
}

#[test]
fn a_bad_reload_keeps_what_held_and_status_says_so() {
    let home = Home::new(MEMORY);
    let _running = home.start();
    home.configure("[vault]\nstroe = \"memory\"\n");
    let Answer::Refused(refusal) = home.ask(&Request::Reload) else { panic!("it was taken") };
    assert_eq!(refusal.reason, Reason::Configuration);
    let status = home.status();
    assert!(status.warnings[0].contains("unknown key `stroe`"), "{:?}", status.warnings);
    home.configure(MEMORY);
    assert!(matches!(home.ask(&Request::Reload), Answer::Done));
    assert_eq!(home.status().warnings, Vec::<String>::new());
}

#[test]
fn a_later_request_is_refused_with_a_next_step() {
    let home = Home::new(MEMORY);
    let _running = home.start();
    let Answer::Refused(refusal) = home.ask(&Request::Unknown) else { panic!("it was understood") };
    assert_eq!(
        (refusal.reason, refusal.hint.as_str()),
        (Reason::VersionMismatch, "run `valetkey agent restart`")
    );
}

#[test]
fn the_vault_is_tried_before_anyone_needs_it() {
    let home = Home::new("[vault]\nstore = \"sealed\"\nsealed-key = \"passphrase\"\n");
    let _running = home.start();
    let state = || home.status().vault.state;
    let until = Instant::now() + BOUND;
    while state() == VaultState::Untried && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(state(), VaultState::Locked);
    let passphrase = || Some("correct horse battery".into());
    let unlocked = home.ask(&Request::Unlock { passphrase: passphrase() });
    assert!(matches!(unlocked, Answer::Done), "{unlocked:?}");
    assert!(matches!(home.ask(&Request::Lock { revoke: false }), Answer::Done));
    assert_eq!(state(), VaultState::Locked, "a lock closes it again");
    let unlocked = home.ask(&Request::Unlock { passphrase: passphrase() });
    assert!(matches!(unlocked, Answer::Done), "{unlocked:?}");
}

#[test]
fn a_nuget_org_key_is_kept_across_a_restart_and_not_given_while_locked() {
    let home = Home::new(MEMORY);
    let running = home.start();
    let value = concat!("oy2", "abcdefghijklmnopqrstuvwxyz234567abcdefghijk");
    let add = NugetOrgRequest::Add(NewNugetKey {
        name: "ci".to_owned(),
        owner: "contoso".to_owned(),
        globs: vec!["Contoso.*".to_owned()],
        operations: vec![NugetRight::Push],
        expires_at: Some(1_000),
        secret: value.into(),
    });
    let Answer::Refused(refusal) = home.ask(&Request::NugetOrg(add.clone())) else { panic!("it is over") };
    assert!(refusal.sentence.contains("has expired"), "{refusal:?}");
    let NugetOrgRequest::Add(new) = add else { unreachable!() };
    let soon = NewNugetKey { expires_at: None, ..new };
    let added = home.ask(&Request::NugetOrg(NugetOrgRequest::Add(soon)));
    assert!(matches!(added, Answer::NugetKeys { .. }), "{added:?}");
    let choose = Request::NugetOrg(NugetOrgRequest::Choose {
        package: "Contoso.Core".to_owned(),
        operation: NugetOperation::Push,
        is_new: None,
    });
    let Answer::NugetKey(key) = home.ask(&choose) else { panic!("none chosen") };
    assert_eq!((key.name.as_str(), key.secret.expose_secret()), ("ci", value));
    home.ask(&Request::Lock { revoke: false });
    let Answer::Refused(refusal) = home.ask(&choose) else { panic!("it was given") };
    assert_eq!(refusal.reason, Reason::Locked);
    home.ask(&Request::Unlock { passphrase: None });
    home.ask(&Request::Stop);
    assert_eq!(running.ended(), Some(0));
    let _running = home.start();
    let Answer::NugetKeys { keys } = home.ask(&Request::NugetOrg(NugetOrgRequest::List)) else {
        panic!("no list")
    };
    assert_eq!((keys.len(), keys[0].name.as_str()), (1, "ci"));
    for file in ["nuget-keys.json", "audit.jsonl", "agent.log"] {
        let text = fs::read_to_string(home.path("state/valetkey").join(file)).unwrap_or_default();
        assert!(!text.contains(value), "{file}");
    }
}

#[test]
fn what_was_refused_is_on_the_trail() {
    let home = Home::new(MEMORY);
    let _running = home.start();
    let Answer::Refused(_) = home.ask(&crate::support::get()) else { panic!("nobody is signed in") };
    let Answer::Audit { records } = home.ask(&Request::Audit { limit: 10 }) else { panic!("no trail") };
    let last = records.last().unwrap();
    assert_eq!(last.event, "refused");
    assert!(last.peer.contains(&format!("pid {}", std::process::id())), "{}", last.peer);
}

/// A proxy that wants credentials and takes none; gives its port and what it was shown.
fn strict_proxy() -> (u16, mpsc::Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it listens").port();
    let (sender, shown) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let credentials = head.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
            });
            // The test may be over.
            let _ = sender.send(credentials);
            let _ = stream.write_all(b"HTTP/1.1 407 Authenticate\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, shown)
}

#[test]
fn credentials_that_a_plugin_lends_reach_the_proxy_that_asks_and_no_file() {
    let (port, shown) = strict_proxy();
    let home = Home::new(&format!(
        "[entra]\nclient-id = \"00000000-0000-0000-0000-000000000001\"\n[vault]\nstore = \"memory\"\n\
         [network]\nproxy = \"http://127.0.0.1:{port}\"\n"
    ));
    let agent = home.start();
    let lent = ProxyCredentials { username: "me".into(), password: "canary-proxy".into() };
    let answer = home.ask(&Request::ProxyCredentials(lent));
    assert!(matches!(answer, Answer::Done), "{answer:?}");
    let login = LoginRequest {
        organisation: None,
        tenant: None,
        client_id: None,
        flow: Flow::DeviceCode,
        fresh: false,
        account: None,
        from: None,
    };
    let answer = home.ask(&Request::Login(login));
    assert!(!format!("{answer:?}").contains("canary-proxy"));
    let seen = [shown.recv_timeout(BOUND).expect("it is asked"), shown.recv_timeout(BOUND).expect("again")];
    assert_eq!(seen, [None, Some("Basic bWU6Y2FuYXJ5LXByb3h5".to_owned())]);
    home.ask(&Request::Stop);
    assert_eq!(agent.ended(), Some(0));
    let files = Command::new("grep").args(["-r", "canary-proxy"]).arg(home.0.path()).output().expect("grep");
    assert_eq!((files.status.code(), files.stdout.as_slice()), (Some(1), &b""[..]));
}
