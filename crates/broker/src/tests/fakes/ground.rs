//! Clocks, randomness, vault and trail.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use valetkey_protocol::{AuditRecord, Reason, Refusal, SecretString};

use crate::{AuditSink, Clock, Doorbell, NoRandomness, Pending, Random, Secrets, Summons};

pub(in crate::tests) const START: u64 = 1_800_000_000;
pub(in crate::tests) const HOUR: u64 = 3600;

/// Both clocks, moved by hand.
#[derive(Debug)]
pub(in crate::tests) struct HandClock {
    pub(in crate::tests) wall: AtomicU64,
    pub(in crate::tests) monotonic: AtomicU64,
}

impl HandClock {
    pub(in crate::tests) fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
        self.monotonic.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Ten minutes on, as long as that is not beyond the given moment.
    pub(in crate::tests) fn pass_to(&self, wall: u64) -> bool {
        let on = self.now() + 600 <= wall;
        if on {
            self.pass(600);
        }
        on
    }

    pub(in crate::tests) fn set_wall(&self, wall: u64) {
        self.wall.store(wall, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> u64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.monotonic.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
pub(in crate::tests) struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        let number = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        buffer.iter_mut().zip(number.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(in crate::tests) struct Trail(Mutex<Vec<AuditRecord>>);

impl AuditSink for Trail {
    fn record(&self, record: AuditRecord) {
        self.0.lock().unwrap().push(record);
    }
}

impl Trail {
    pub(in crate::tests) fn count(&self, event: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|record| record.event == event).count()
    }
}

/// The process of a development environment, which has no terminal.
pub(in crate::tests) const EDITOR: u32 = 4000;

/// Everybody who was called, and whether they hear it.
#[derive(Debug, Default)]
pub(in crate::tests) struct Bell {
    /// How often a process was looked at.
    pub(in crate::tests) looks: AtomicU64,
    pub(in crate::tests) rung: Mutex<Vec<Summons>>,
    pub(in crate::tests) unheard: AtomicBool,
}

impl Doorbell for Bell {
    fn ring(&self, summons: Summons) -> Pending<'_, bool> {
        self.rung.lock().unwrap().push(summons);
        let heard = !self.unheard.load(Ordering::SeqCst);
        Box::pin(async move { heard })
    }

    fn has_terminal(&self, pid: u32) -> bool {
        self.looks.fetch_add(1, Ordering::SeqCst);
        pid != EDITOR
    }
}

/// A vault that can be made to fail.
#[derive(Debug, Default)]
pub(in crate::tests) struct FakeVault {
    pub(in crate::tests) values: Mutex<BTreeMap<String, SecretString>>,
    pub(in crate::tests) broken: AtomicBool,
    /// A lock closes it until it is opened with the passphrase.
    pub(in crate::tests) has_passphrase: AtomicBool,
    /// Writes after which it breaks; 0 for never.
    pub(in crate::tests) writes_left: AtomicU64,
}

impl FakeVault {
    fn check(&self) -> Result<(), Refusal> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Refusal::new(Reason::VaultUnavailable, "the keyring does not answer", "restart it"));
        }
        Ok(())
    }

    pub(in crate::tests) fn names(&self) -> Vec<String> {
        self.values.lock().unwrap().keys().cloned().collect()
    }
}

impl Secrets for FakeVault {
    fn get(&self, name: &str) -> Result<Option<SecretString>, Refusal> {
        self.check()?;
        Ok(self.values.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Refusal> {
        self.check()?;
        if self.writes_left.load(Ordering::SeqCst) > 0 && self.writes_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.broken.store(true, Ordering::SeqCst);
            return self.check();
        }
        self.values.lock().unwrap().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), Refusal> {
        self.check()?;
        self.values.lock().unwrap().remove(name);
        Ok(())
    }

    fn unlock(&self, passphrase: &SecretString) -> Result<(), Refusal> {
        use valetkey_protocol::ExposeSecret as _;
        if passphrase.expose_secret() == "open sesame" {
            self.broken.store(false, Ordering::SeqCst);
            return Ok(());
        }
        Err(Refusal::new(Reason::VaultUnavailable, "the passphrase is wrong", "run `valetkey unlock` again"))
    }

    fn lock(&self) -> Result<(), Refusal> {
        if self.has_passphrase.load(Ordering::SeqCst) {
            self.broken.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
}
