use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use valetkey_protocol::{ExposeSecret as _, SecretString, VaultState, VaultTier};

use super::*;

/// Long enough that a test which waits for it even a few times is noticed, and never reached where nothing hangs.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

/// A store whose every call says that it has begun and waits to be let go.
struct Gate {
    memory: MemoryStore,
    begun: Sender<()>,
    go: Receiver<()>,
    prompts: bool,
}

impl Gate {
    fn pass(&self) {
        let _ = self.begun.send(());
        let _ = self.go.recv();
    }
}

impl Store for Gate {
    fn get(&mut self, name: &str) -> Result<Option<SecretString>, VaultError> {
        self.pass();
        self.memory.get(name)
    }

    fn set(&mut self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        self.pass();
        self.memory.set(name, secret)
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        assert_ne!(name, "panic", "asked to panic");
        Err(VaultError::Absent)
    }

    fn may_prompt(&mut self) -> bool {
        self.prompts
    }
}

fn gated(deadline: Duration, prompts: bool) -> (Vault, Receiver<()>, Sender<()>) {
    let (begun, seen) = channel();
    let (open, go) = channel();
    let gate = Gate { memory: MemoryStore::default(), begun, go, prompts };
    (Vault::over(gate, VaultTier::Os, deadline), seen, open)
}

/// Waits for the vault's thread to be done with what it was doing.
fn settle(vault: &Vault) {
    while lock(&vault.shared.state).running.is_some() {
        thread::yield_now();
    }
}

#[test]
fn memory_keeps_and_forgets() {
    let vault = Vault::memory();
    assert_eq!(vault.status().state, VaultState::Untried);
    assert!(vault.get("a").unwrap().is_none());
    vault.set("a", &SecretString::from("one")).unwrap();
    assert_eq!(vault.get("a").unwrap().unwrap().expose_secret(), "one");
    vault.delete("a").unwrap();
    assert!(vault.get("a").unwrap().is_none());
    assert_eq!(vault.status().state, VaultState::Ready);
    assert_eq!(vault.unlock(&SecretString::from("p")).unwrap_err(), VaultError::NoPassphrase);
    assert_eq!(vault.status().state, VaultState::Ready);
}

#[test]
fn a_hang_fails_later_calls_at_once_and_a_late_answer_heals() {
    let (vault, seen, open) = gated(SHORT, false);
    assert_eq!(vault.set("a", &SecretString::from("late")).unwrap_err(), VaultError::Hung);
    seen.recv().unwrap();
    let status = vault.status();
    assert_eq!(status.state, VaultState::Hung);
    assert!(!status.sentence.is_empty() && !status.hint.is_empty());
    for _ in 0..1000 {
        assert_eq!(vault.get("a").unwrap_err(), VaultError::Hung);
    }
    assert!(seen.try_recv().is_err(), "a call was queued behind the one that hangs");

    drop(open);
    settle(&vault);
    assert_eq!(vault.status().state, VaultState::Ready);
    assert_eq!(vault.get("a").unwrap().unwrap().expose_secret(), "late");
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_not_begun() {
    let (vault, seen, open) = gated(SHORT, false);
    let callers: Vec<_> = (0..2)
        .map(|n| {
            let vault = vault.clone();
            thread::spawn(move || vault.set(&n.to_string(), &SecretString::from("x")))
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap().unwrap_err(), VaultError::Hung);
    }
    drop(open);
    settle(&vault);
    let kept = ["0", "1"].iter().filter(|name| vault.get(name).unwrap().is_some()).count();
    assert!(kept <= 1, "the one that waited in the queue was run after it had been given up");
    drop(seen);
}

#[test]
fn calls_run_in_the_order_they_were_made() {
    let (vault, seen, open) = gated(LONG, false);
    let first = thread::spawn({
        let vault = vault.clone();
        move || vault.set("a", &SecretString::from("first"))
    });
    seen.recv().unwrap();
    let second = thread::spawn({
        let vault = vault.clone();
        move || vault.set("a", &SecretString::from("second"))
    });
    while lock(&vault.shared.state).newest < 2 {
        thread::yield_now();
    }
    drop(open);
    first.join().unwrap().unwrap();
    second.join().unwrap().unwrap();
    assert_eq!(vault.get("a").unwrap().unwrap().expose_secret(), "second");
}

#[test]
fn a_prompt_nobody_answers_is_a_locked_keyring() {
    let (vault, _seen, open) = gated(SHORT, true);
    assert_eq!(vault.get("a").unwrap_err(), VaultError::Locked);
    assert_eq!(vault.get("a").unwrap_err(), VaultError::Locked);
    assert_eq!(vault.status().state, VaultState::Locked);
    drop(open);
    settle(&vault);
    assert!(vault.get("a").unwrap().is_none());
}

#[test]
fn a_panic_costs_one_call() {
    let (vault, _seen, open) = gated(LONG, false);
    drop(open);
    assert!(matches!(vault.delete("panic"), Err(VaultError::Failed(_))));
    assert_eq!(vault.status().state, VaultState::Failed);
    assert!(vault.get("a").unwrap().is_none());
    assert_eq!(vault.delete("a").unwrap_err(), VaultError::Absent);
    assert_eq!(vault.status().state, VaultState::Absent);
}
