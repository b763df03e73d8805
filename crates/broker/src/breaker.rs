//! Services that failed are left alone for a while: each tenant and each organisation by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use valetkey_protocol::{Reason, Refusal};

use crate::{Broker, Failure, FailureKind};

/// Longest wait that is not the service's own wish.
const LONGEST: u64 = 300;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Upstream {
    Tenant(String),
    Organisation(String),
}

#[derive(Debug)]
struct Open {
    failures: u32,
    until: Duration,
    refusal: Refusal,
    /// The service itself asked for the wait.
    wished: bool,
}

/// Waits in force. Times are monotonic.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    open: Mutex<HashMap<Upstream, Open>>,
}

impl Breakers {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<Upstream, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call may be made; if not, the refusal with the seconds left.
    pub(crate) fn check(&self, upstream: &Upstream, now: Duration) -> Result<(), Failure> {
        match self.open().get(upstream) {
            Some(open) if now < open.until => {
                let left = open.until.saturating_sub(now).as_secs() + 1;
                let refusal = open.refusal.clone().retry_after(left);
                Err(Failure::new(FailureKind::Transient, refusal))
            }
            _ => Ok(()),
        }
    }

    /// Notes how a call went. `jitter` is any byte.
    pub(crate) fn note<T>(&self, upstream: Upstream, now: Duration, went: &Result<T, Failure>, jitter: u8) {
        match went {
            Err(failure) if failure.kind == FailureKind::Transient => {
                let mut open = self.open();
                let failures = open.get(&upstream).map_or(0, |open| open.failures) + 1;
                let wait =
                    failure.refusal.retry_after.map_or_else(|| wait(failures, jitter), Duration::from_secs);
                let (refusal, wished) = (failure.refusal.clone(), failure.refusal.retry_after.is_some());
                open.insert(upstream, Open { failures, until: now + wait, refusal, wished });
            }
            _ => {
                self.open().remove(&upstream);
            }
        }
    }

    /// The refusal in force, if any.
    pub(crate) fn problem(&self, upstream: &Upstream, now: Duration) -> Option<Refusal> {
        self.check(upstream, now).err().map(|failure| failure.refusal)
    }

    /// Ends the waits that no service asked for: a person wants something done now.
    pub(crate) fn try_now(&self) {
        self.open().retain(|_, open| open.wished);
    }

    /// Ends the waits that began with this.
    fn end_those_of(&self, reason: Reason) {
        self.open().retain(|_, open| open.refusal.reason != reason);
    }

    /// Forgets every wait: the network was configured anew.
    pub(crate) fn clear(&self) {
        self.open().clear();
    }
}

impl Broker {
    /// The proxy may let through what it refused before: the next question tries at once.
    pub fn proxy_may_open(&self) {
        self.breakers.end_those_of(Reason::Proxy);
        self.table().slots.values_mut().for_each(|slot| slot.forget_failure_of(Reason::Proxy));
    }
}

/// 2 s, 6 s, 18 s, … 5 min, up to a fifth shorter.
fn wait(failures: u32, jitter: u8) -> Duration {
    let full = 2 * 3_u64.pow(failures.saturating_sub(1).min(6));
    let millis = full.min(LONGEST) * (1000 - 200 * u64::from(jitter) / 255);
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(retry_after: Option<u64>) -> Result<(), Failure> {
        let mut refusal = Refusal::new(Reason::Unavailable, "down", "wait");
        refusal.retry_after = retry_after;
        Err(Failure::new(FailureKind::Transient, refusal))
    }

    fn tenant() -> Upstream {
        Upstream::Tenant("t".to_owned())
    }

    #[test]
    fn half_an_hour_of_outage_is_probed_a_dozen_times() {
        for jitter in [0, 255] {
            let breakers = Breakers::default();
            let probes = (0..1800)
                .filter(|second| {
                    let now = Duration::from_secs(*second);
                    let free = breakers.check(&tenant(), now).is_ok();
                    if free {
                        breakers.note(tenant(), now, &down(None), jitter);
                    }
                    free
                })
                .count();
            assert!((8..=13).contains(&probes), "{probes} probes");
        }
    }

    #[test]
    fn a_wished_wait_is_kept_for_that_tenant_only() {
        let breakers = Breakers::default();
        breakers.note(tenant(), Duration::ZERO, &down(Some(120)), 0);
        let failure = breakers.check(&tenant(), Duration::from_secs(119)).unwrap_err();
        assert_eq!(failure.refusal.retry_after, Some(2));
        assert!(breakers.check(&tenant(), Duration::from_secs(120)).is_ok());
        assert!(breakers.check(&Upstream::Tenant("u".to_owned()), Duration::ZERO).is_ok());
    }

    #[test]
    fn a_person_ends_our_own_waits_and_not_the_services() {
        let breakers = Breakers::default();
        breakers.note(tenant(), Duration::ZERO, &down(None), 0);
        let other = Upstream::Tenant("u".to_owned());
        breakers.note(other.clone(), Duration::ZERO, &down(Some(120)), 0);
        breakers.try_now();
        assert!(breakers.check(&tenant(), Duration::ZERO).is_ok());
        assert!(breakers.check(&other, Duration::ZERO).is_err());
    }

    #[test]
    fn an_answer_of_any_other_kind_closes_it() {
        let breakers = Breakers::default();
        breakers.note(tenant(), Duration::ZERO, &down(None), 0);
        breakers.note(tenant(), Duration::ZERO, &Ok(()), 0);
        assert!(breakers.check(&tenant(), Duration::ZERO).is_ok());
    }
}
