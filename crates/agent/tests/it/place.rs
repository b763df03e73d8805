//! One agent, at the place where it is searched.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Barrier, thread, time::Duration};

use valetkey_agent::{Ended, Instance, InstanceError, Limits};
use valetkey_protocol::{Answer, Request};

use crate::support::Agent;

#[tokio::test]
async fn socket_and_folder_are_the_owners_only() {
    let agent = Agent::start(Limits::default());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&agent.socket()), 0o600);
    assert_eq!(mode(agent.socket().parent().unwrap()), 0o700);
    assert_eq!(mode(&agent.lock()), 0o600);
}

#[tokio::test]
async fn a_removed_socket_is_made_again() {
    let agent = Agent::start(Limits::default());
    let mut old = agent.client().await;
    for _ in 0..3 {
        fs::remove_file(agent.socket()).unwrap();
        appears(&agent).await;
        assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    }
    fs::remove_dir_all(agent.socket().parent().unwrap()).unwrap();
    appears(&agent).await;
    assert!(matches!(agent.client().await.ask(&Request::Ping).await, Some(Answer::Done)));
    assert!(matches!(old.ask(&Request::Ping).await, Some(Answer::Done)), "who was connected still is");
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_lock_was_taken_away_and_by_another_ends() {
    let agent = Agent::start(Limits::default());
    fs::remove_file(agent.lock()).unwrap();
    let another =
        Instance::claim(&agent.lock(), &agent.folder.path().join("other/sock"), Duration::ZERO).unwrap();
    let (_folder, why) = agent.ended().await;
    assert_eq!(why, Ended::Displaced);
    drop(another);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_others_can_write_is_not_used() {
    let agent = Agent::start(Limits::default());
    let folder = agent.socket().parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    assert_eq!(agent.ended().await.1, Ended::Displaced);
}

#[test]
fn of_twenty_that_begin_at_once_one_does() {
    for _ in 0..20 {
        // Anew each time: a child that another test starts may share the lock a little longer.
        let folder = tempfile::tempdir().unwrap();
        let (lock, socket) = (folder.path().join("state/agent.lock"), folder.path().join("run/agent.sock"));
        let start = Barrier::new(20);
        let claims: Vec<_> = thread::scope(|scope| {
            let claim = || {
                start.wait();
                Instance::claim(&lock, &socket, Duration::ZERO)
            };
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(claim)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
        assert!(claims.iter().all(|it| matches!(it, Ok(_) | Err(InstanceError::Running))), "{claims:?}");
    }
}

/// The agent hears of the loss from the kernel, so this is soon true.
async fn appears(agent: &Agent) {
    let gone = async {
        while tokio::net::UnixStream::connect(agent.socket()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    crate::support::within(gone).await;
}
