use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Barrier},
};

use valetkey_protocol::ClientKind;

use super::*;
use crate::fake::{Folder, folder, serve, welcome};

/// A shell script in the place of the agent. It is copied by another process: a file that this process had open for
/// writing could be inherited by a child another test starts at the same moment, and then nobody may run it.
fn program(folder: &Folder, script: &str) -> PathBuf {
    let text = folder.root.path().join("agent.txt");
    let program = folder.root.path().join("agent");
    fs::write(&text, format!("#!/bin/sh\ncd '{}'\n{script}\n", folder.root.path().display())).unwrap();
    assert!(Command::new("cp").arg(&text).arg(&program).status().unwrap().success());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

fn open(paths: &Paths, agent: &Path) -> Result<Connection, ClientError> {
    Connection::open(paths, ClientKind::Git, Start::OnDemand { agent: agent.to_owned() })
}

fn lines(error: &ClientError) -> String {
    format!("{}; {}", error.sentence(), error.hint())
}

fn fails_with(script: &str) -> String {
    let folder = folder();
    let agent = program(&folder, script);
    lines(&open(&folder.paths, &agent).unwrap_err())
}

/// A script that says `ready` as soon as somebody listens, and that somebody.
fn working_agent(folder: &Folder, connections: usize) -> PathBuf {
    for pipe in ["started", "listening"] {
        assert!(Command::new("mkfifo").arg(folder.root.path().join(pipe)).status().unwrap().success());
    }
    let (root, paths) = (folder.root.path().to_owned(), folder.paths.clone());
    thread::spawn(move || {
        fs::read(root.join("started")).unwrap();
        serve(&paths, connections, |mut stream| welcome(&mut stream));
        fs::write(root.join("listening"), "go\n").unwrap();
    });
    program(
        folder,
        "echo \"$@\" >> arguments; env > environment; echo go > started; read go < listening; echo ready",
    )
}

#[test]
fn a_crowd_starts_one_agent() {
    const CROWD: usize = 50;
    let folder = folder();
    let agent = working_agent(&folder, CROWD);
    let barrier = Arc::new(Barrier::new(CROWD));
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let (paths, agent, barrier) = (folder.paths.clone(), agent.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                open(&paths, &agent).map(|connection| connection.agent().instance.clone())
            })
        })
        .collect();
    for one in crowd {
        assert_eq!(one.join().unwrap().unwrap(), "instance-1");
    }
    let arguments = fs::read_to_string(folder.root.path().join("arguments")).unwrap();
    assert_eq!(arguments, "run --background\n", "one line a start");
}

#[test]
fn the_agent_gets_a_listed_environment() {
    let folder = folder();
    let agent = working_agent(&folder, 1);
    open(&folder.paths, &agent).unwrap();
    let environment = fs::read_to_string(folder.root.path().join("environment")).unwrap();
    let names: Vec<_> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"PATH"));
    // Cargo sets this one for every test; a shell adds a few of its own.
    assert!(env!("CARGO_MANIFEST_DIR").contains("client") && !names.contains(&"CARGO_MANIFEST_DIR"));
    let known = |name: &&str| env::FOR_AGENT.iter().any(|variable| variable.name() == *name);
    assert!(
        names.iter().all(|name| known(name) || ["PWD", "OLDPWD", "SHLVL", "_"].contains(name)),
        "{names:?}"
    );
}

#[test]
fn an_agent_that_cannot_work_says_why() {
    let said = fails_with(r"printf 'failed the configuration is wrong\tcorrect `config.toml`\n'");
    assert_eq!(said, "the configuration is wrong; correct `config.toml`");
    let said = fails_with(r"printf 'failed \033[2Jno hint\n'");
    assert_eq!(said, "\u{fffd}[2Jno hint; run `valetkey agent run` to see why");
}

#[test]
fn an_agent_that_ends_without_a_word_is_told() {
    for script in ["exit 1", "echo nonsense", "kill -9 $$"] {
        let said = fails_with(script);
        assert_eq!(
            said, "the agent ended before it was ready; run `valetkey agent run` to see why",
            "{script}"
        );
    }
}

#[test]
fn an_agent_that_never_gets_ready_is_ended() {
    let folder = folder();
    let agent = program(&folder, "exec sleep 60");
    let error = launch(&agent, Duration::from_millis(50)).unwrap_err();
    assert_eq!(lines(&error), "the agent did not start in time; run `valetkey agent run` to see why");
}

#[test]
fn a_ready_agent_that_does_not_listen_is_broken() {
    assert!(fails_with("echo ready").starts_with("the agent went away before it could start; "));
}

#[test]
fn a_missing_or_relative_agent_is_not_started() {
    let folder = folder();
    for agent in [folder.root.path().join("none"), PathBuf::from("agent"), PathBuf::from("./agent")] {
        let error = open(&folder.paths, &agent).unwrap_err();
        assert!(matches!(error, ClientError::NotInstalled { .. }), "{error:?}");
    }
}

#[test]
fn the_agent_is_looked_for_beside_the_program_only() {
    let mine = std::env::current_exe().unwrap();
    assert_eq!(agent_program().unwrap().parent(), mine.parent());
}

#[test]
fn who_waited_shares_the_failure_and_who_comes_later_tries_again() {
    let folder = folder();
    let path = &folder.paths.start_lock;
    let failure = failed("no keyring\tunlock it");

    let lock = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
    let mut waiter = Turn { lock, before: Some(String::new()) };
    let mut starter = Turn::take(path).unwrap();
    starter.record(&failure);
    assert_eq!(waiter.failure_while_waiting().as_deref(), Some("no keyring\tunlock it"));

    waiter.before = Some(read_all(&mut waiter.lock));
    assert_eq!(waiter.failure_while_waiting(), None, "an old failure");
    starter.record(&failure);
    assert!(waiter.failure_while_waiting().is_some(), "the same failure again");
    drop(starter);
    assert_eq!(Turn::take(path).unwrap().failure_while_waiting(), None, "nobody waited");
}

#[test]
fn a_runtime_folder_that_others_can_change_is_refused() {
    let folder = folder();
    fs::set_permissions(&folder.paths.runtime_dir, fs::Permissions::from_mode(0o777)).unwrap();
    let agent = program(&folder, "touch spawned; echo ready");
    let error = open(&folder.paths, &agent).unwrap_err();
    assert!(matches!(error, ClientError::Place(_)), "{error:?}");
    assert!(!folder.root.path().join("spawned").exists());
}
