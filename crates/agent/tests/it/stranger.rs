//! Another user at the socket. It takes root to be two users, so elsewhere this says so and ends.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, fs::chown, net::UnixStream, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use valetkey_protocol::{AuditRecord, ClientKind, Hello, encode};

const NOBODY: u32 = 65534;

#[test]
fn a_stranger_who_reaches_the_socket_gets_no_byte_and_is_noted() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: it takes root to be two users");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("valetkey-agent");
    // By another process: a file that this one had open for writing could be inherited by a child which another test
    // starts at the same moment, and then nobody may run it.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_valetkey-agent")).arg(&program).status().unwrap();
    assert!(copied.success());
    let folder = |name: &str| owned(&home.path().join(name));
    let (run, config, state) = (folder("run"), folder("config"), folder("state"));
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut agent = Command::new(&program)
        .args(["run", "--background"])
        .env_clear()
        .envs([("HOME", home.path()), ("XDG_RUNTIME_DIR", &run), ("XDG_CONFIG_HOME", &config)])
        .env("XDG_STATE_HOME", &state)
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(agent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");

    // Root passes every mode there is, as a stranger does where the folder was opened.
    let mut stream = UnixStream::connect(run.join("valetkey/agent.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let _ = stream.write_all(&encode(&Hello::new(ClientKind::Cli)).unwrap());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");

    let pid = rustix::process::Pid::from_child(&agent);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(agent.wait().unwrap().success());
    let trail = fs::read_to_string(state.join("valetkey/audit.jsonl")).unwrap();
    let record: AuditRecord = serde_json::from_str(trail.lines().last().unwrap()).unwrap();
    assert_eq!(record.event, "turned-away");
    assert_eq!(record.note, "not-permitted: user 0 is not the owner of this agent");
}

fn owned(folder: &Path) -> std::path::PathBuf {
    fs::create_dir(folder).expect("a folder");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("a mode");
    chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
    folder.to_owned()
}
