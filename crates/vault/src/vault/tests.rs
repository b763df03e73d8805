use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use valetkey_protocol::{ExposeSecret as _, SecretString, VaultState, VaultTier};

use super::*;

/// Never reached where nothing hangs.
const LONG: Duration = Duration::from_secs(60);
/// For calls that are to hang, and for no other: a busy machine may take longer than this to begin one.
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

/// A call that hangs in the store, given up by its caller as if its deadline had passed.
fn hang(vault: &Vault, seen: &Receiver<()>, op: Op) -> VaultError {
    let (id, _, answer) = vault.submit(op).unwrap();
    seen.recv().unwrap();
    vault.give_up(id, &answer).unwrap_err()
}

#[test]
fn nobody_waits_longer_than_the_deadline() {
    let (vault, _seen, _shut) = gated(SHORT, false);
    for _ in 0..3 {
        assert_eq!(vault.get("a").unwrap_err(), VaultError::Hung);
    }
}

#[test]
fn a_passphrase_may_take_its_time() {
    let (vault, ..) = gated(LONG, false);
    let until = |op| vault.submit(op).unwrap().1;
    let begun = Instant::now();
    assert!(until(Op::Unlock(SecretString::from("p"))) >= begun + LONG * UNLOCKING);
    let begun = Instant::now();
    assert!(until(Op::Lock) < begun + LONG * UNLOCKING);
}

#[test]
fn a_hang_fails_later_calls_at_once_and_a_late_answer_heals() {
    let (vault, seen, open) = gated(LONG, false);
    let late = Op::Set("a".to_owned(), SecretString::from("late"));
    assert_eq!(hang(&vault, &seen, late), VaultError::Hung);
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
    let (vault, seen, open) = gated(LONG, false);
    let set = |name: &str| Op::Set(name.to_owned(), SecretString::from("x"));
    let (_, _, first) = vault.submit(set("first")).unwrap();
    seen.recv().unwrap();
    let (reply, second) = channel();
    let job = Job { id: 2, op: set("second"), expires: Instant::now(), reply };
    lock(&vault.shared.jobs).send(job).unwrap();
    drop(open);
    first.recv().unwrap().unwrap();
    assert!(second.recv().is_err(), "it was run after it had been given up");
    assert!(vault.get("first").unwrap().is_some());
    assert!(vault.get("second").unwrap().is_none());
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
    let (vault, seen, open) = gated(LONG, true);
    assert_eq!(hang(&vault, &seen, Op::Get("a".to_owned())), VaultError::Locked);
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
