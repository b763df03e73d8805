//! Keys that are held: one per account, organisation and purpose.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;
use valetkey_protocol::{Issuer, KeyStatus, Reason, Refusal, SecretString};

use crate::{Purpose, ledger::Entry};

/// A key with less than this left is not handed out.
const LEAST: u64 = 60;
/// A key is renewed ahead when less than this is left, or a quarter of its life if that is less.
const AHEAD: u64 = 30 * 60;
/// An access token is renewed no earlier: before, the same one would come back.
const ENTRA_AHEAD: u64 = 300;
/// A wall clock that ran so much further than the other says that the machine slept, in seconds.
const SLEPT: u64 = 60;
/// A key that was refused is replaced at once at most this often. A redirect to a hostile host can provoke it.
pub(crate) const FORCED_EVERY: Duration = Duration::from_secs(30);
/// The service is asked whether a key is dead at most this often. Who asks sooner waits: NuGet gives up after four
/// answers that do not help.
const ASKED_EVERY: Duration = Duration::from_millis(250);

/// What a key is filed under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyName {
    pub(crate) account: String,
    pub(crate) organisation: String,
    pub(crate) purpose: Purpose,
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: u64,
    pub(crate) monotonic: Duration,
}

/// A live key.
pub(crate) struct Key {
    pub(crate) entry: Entry,
    pub(crate) secret: SecretString,
    pub(crate) handed_out: AtomicU64,
    /// Someone says it was refused.
    pub(crate) suspect: AtomicBool,
    /// Someone says it was refused, and the service could not be asked whether it is dead.
    pub(crate) doubted: AtomicBool,
    /// What kind it is.
    pub(crate) issuer: Issuer,
    /// Which access token it is, where it is one.
    pub(crate) serial: Option<u64>,
    held_since: Moment,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.entry.id()).finish_non_exhaustive()
    }
}

impl Key {
    pub(crate) fn new(entry: Entry, secret: SecretString, now: Moment) -> Self {
        Self::of_issuer(Issuer::Pat, entry, secret, now)
    }

    pub(crate) fn of_issuer(issuer: Issuer, entry: Entry, secret: SecretString, now: Moment) -> Self {
        Self {
            entry,
            secret,
            handed_out: AtomicU64::new(0),
            suspect: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
            issuer,
            serial: None,
            held_since: now,
        }
    }

    /// Seconds it lives for certain: the less of what the two clocks say. The wall clock may be set back, and the
    /// monotonic one stands still while the machine sleeps. A wall clock before the key was made says nothing good.
    pub(crate) fn left(&self, now: Moment) -> u64 {
        let by_wall = self.entry.valid_to.saturating_sub(now.wall);
        let at_first = self.entry.valid_to.saturating_sub(self.held_since.wall);
        let passed = now.monotonic.saturating_sub(self.held_since.monotonic).as_secs();
        by_wall.min(at_first.saturating_sub(passed)).min(self.life())
    }

    fn life(&self) -> u64 {
        self.entry.valid_to.saturating_sub(self.entry.created_at)
    }

    pub(crate) fn is_usable(&self, now: Moment) -> bool {
        self.left(now) >= LEAST
    }

    pub(crate) fn wants_renewal(&self, now: Moment) -> bool {
        let ahead = if self.issuer == Issuer::Entra { ENTRA_AHEAD } else { AHEAD };
        self.left(now) < ahead.min(self.life() / 4)
    }

    /// Whether the machine slept since it was issued, and it is a token that may have been withdrawn meanwhile: its
    /// owner's password changed, a policy, another network.
    pub(crate) fn slept(&self, now: Moment) -> bool {
        let by_wall = now.wall.saturating_sub(self.held_since.wall);
        let awake = now.monotonic.saturating_sub(self.held_since.monotonic).as_secs();
        self.issuer == Issuer::Entra && by_wall.saturating_sub(awake) > SLEPT
    }

    /// What a program sends back when this key was refused. It names the key and this very mint of it.
    pub(crate) fn state(&self) -> &str {
        &self.entry.nonce
    }

    pub(crate) fn status(&self, username: &str) -> KeyStatus {
        KeyStatus {
            id: self.entry.id().to_owned(),
            account: username.to_owned(),
            organisation: self.entry.organisation.clone(),
            scope: self.entry.scope.clone(),
            created_at: self.entry.created_at,
            expires_at: self.entry.valid_to,
            handed_out: self.handed_out.load(Ordering::Relaxed),
            display_name: self.entry.name.clone(),
            issuer: self.issuer,
        }
    }
}

/// How a flight ended; nothing while it is in the air.
pub(crate) type Landing = Option<Result<Arc<Key>, Refusal>>;

/// One place in the table.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) key: Option<Arc<Key>>,
    flight: Option<watch::Receiver<Landing>>,
    failed: Option<(Duration, Refusal)>,
    forced: Option<Duration>,
    asked: Option<Duration>,
}

impl Slot {
    /// The flight in the air. One whose task died is none.
    pub(crate) fn flight(&self) -> Option<watch::Receiver<Landing>> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    pub(crate) fn take_off(&mut self) -> watch::Sender<Landing> {
        let (sender, receiver) = watch::channel(None);
        self.flight = Some(receiver);
        sender
    }

    pub(crate) fn land(&mut self) {
        self.flight = None;
    }

    /// The refusal still in force from the last flight.
    pub(crate) fn failure(&self, now: Duration) -> Option<Refusal> {
        self.failed.as_ref().filter(|(until, _)| now < *until).map(|(_, refusal)| refusal.clone())
    }

    pub(crate) fn fail(&mut self, until: Duration, refusal: Refusal) {
        self.failed = Some((until, refusal));
    }

    pub(crate) fn forget_failure(&mut self) {
        self.failed = None;
    }

    /// What went wrong for this reason may not go wrong again.
    pub(crate) fn forget_failure_of(&mut self, reason: Reason) {
        self.failed.take_if(|(_, refusal)| refusal.reason == reason);
    }

    /// Somebody signed in: what went wrong before says nothing of what comes.
    pub(crate) fn begin_anew(&mut self) {
        self.failed = None;
        self.forced = None;
    }

    /// Whether a refused key may be replaced now; counts it if so.
    pub(crate) fn may_force(&mut self, now: Duration) -> bool {
        let free = self.forced.is_none_or(|last| now.saturating_sub(last) >= FORCED_EVERY);
        if free {
            self.forced = Some(now);
        }
        free
    }

    /// How long to wait before the service is asked whether the key is dead; counts it.
    pub(crate) fn pace(&mut self, now: Duration) -> Duration {
        let at = self.asked.map_or(now, |last| now.max(last + ASKED_EVERY));
        self.asked = Some(at);
        at.saturating_sub(now)
    }
}

/// Every key that is held.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) slots: HashMap<KeyName, Slot>,
    /// Grows when keys are thrown away: what was in the air then is thrown away when it lands.
    pub(crate) epoch: u64,
}

impl Table {
    pub(crate) fn slot(&mut self, name: &KeyName) -> &mut Slot {
        self.slots.entry(name.clone()).or_default()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.slots.values().filter_map(|slot| slot.key.as_ref())
    }

    /// The purpose a held key serves, by its state.
    pub(crate) fn purpose_of(&self, account: &str, organisation: &str, state: &str) -> Option<Purpose> {
        self.slots
            .iter()
            .filter(|(name, _)| name.account == account && name.organisation == organisation)
            .find(|(_, slot)| slot.key.as_ref().is_some_and(|key| key.state() == state))
            .map(|(name, _)| name.purpose)
    }

    /// Takes out every key that is chosen. What is in the air is thrown away when it lands.
    pub(crate) fn take(&mut self, chosen: impl Fn(&Key) -> bool) -> Vec<Arc<Key>> {
        self.epoch += 1;
        self.slots
            .values_mut()
            .filter_map(|slot| {
                slot.failed = None;
                slot.key.take_if(|key| chosen(key))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::State;

    const HOUR: u64 = 3600;

    fn at(wall: u64, monotonic: u64) -> Moment {
        Moment { wall, monotonic: Duration::from_secs(monotonic) }
    }

    fn key(created_at: u64, life: u64, held_since: Moment) -> Key {
        let entry = Entry {
            nonce: "00112233445566778899".to_owned(),
            state: State::Minted,
            account: "a".to_owned(),
            organisation: "contoso".to_owned(),
            scope: "vso.code".to_owned(),
            name: "valetkey m git-read 00112233445566778899".to_owned(),
            service: "s".to_owned(),
            created_at,
            valid_to: created_at + life,
            authorization_id: None,
            person: None,
        };
        Key::new(entry, SecretString::from("canary"), held_since)
    }

    #[test]
    fn a_key_is_dead_when_either_clock_says_so() {
        let start = 1_000_000;
        let key = key(start, 8 * HOUR, at(start, 50));
        assert!(key.is_usable(at(start + 8 * HOUR - 60, 50 + 8 * HOUR - 60)));
        assert!(!key.is_usable(at(start + 8 * HOUR - 59, 50 + 8 * HOUR - 59)));
        assert!(!key.is_usable(at(start + 12 * HOUR, 60)), "slept twelve hours");
        assert!(!key.is_usable(at(start, 50 + 8 * HOUR)), "the clock was set back eight hours");
        assert!(key.is_usable(at(start - 8 * HOUR, 60)), "set back at once: what has passed is known");
        assert_eq!(key.left(at(start - 8 * HOUR, 60)), 8 * HOUR - 10);
        assert!(!key.is_usable(at(start + 400 * 24 * HOUR, 60)));
    }

    #[test]
    fn renewal_begins_in_the_last_quarter_or_half_hour() {
        let long = key(1000, 8 * HOUR, at(1000, 0));
        assert!(!long.wants_renewal(at(1000 + 7 * HOUR, 7 * HOUR)));
        assert!(long.wants_renewal(at(1000 + 8 * HOUR - 1799, 0)));
        let short = key(1000, 600, at(1000, 0));
        assert!(!short.wants_renewal(at(1000 + 400, 0)));
        assert!(short.wants_renewal(at(1000 + 451, 0)));
    }

    #[test]
    fn a_life_cut_to_minutes_is_used_and_not_renewed_at_each_use() {
        let cut = key(1000, 120, at(1000, 0));
        assert!(cut.is_usable(at(1000, 0)) && !cut.wants_renewal(at(1000, 0)));
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", key(0, 1, at(0, 0))).contains("canary"));
    }
}
