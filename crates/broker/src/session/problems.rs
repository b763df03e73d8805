//! Sessions that do not work now, and who was told of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use valetkey_protocol::{Reason, Refusal};

use super::locked;
use crate::{Clock, Failure, FailureKind};

/// A session that does not work is not tried again for this long, and for twice as long each time it still does not.
const DEAD_FOR: Duration = Duration::from_secs(60);
/// The longest of these waits: what an administrator mends is noticed within it.
const DEAD_FOR_LONGEST: Duration = Duration::from_secs(3600);
/// A person whose keys still work is told this often that the session does not.
const NOTICED_EVERY: Duration = Duration::from_secs(3600);

/// A session that does not work now.
#[derive(Debug, Clone)]
struct Problem {
    until: Duration,
    wait: Duration,
    failure: Failure,
}

/// What is wrong with which account. A dead session is a problem at every tenant; what one tenant wants is a problem
/// there.
#[derive(Debug)]
pub(crate) struct Problems {
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<(String, Option<String>), Problem>>,
    /// When a line was last written of a session that does not work although keys still do: to somebody at a terminal,
    /// and to nobody in particular.
    noticed: Mutex<HashMap<(String, bool), Duration>>,
}

impl Problems {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default(), noticed: Mutex::default() }
    }

    /// The failure that is still believed without asking again.
    pub(super) fn check(&self, account: &str, tenant: &str, now: Duration) -> Result<(), Failure> {
        let known = locked(&self.known);
        let everywhere = known.get(&(account.to_owned(), None));
        let here = known.get(&(account.to_owned(), Some(tenant.to_owned())));
        match everywhere.into_iter().chain(here).find(|problem| now < problem.until) {
            Some(problem) => Err(problem.failure.clone()),
            None => Ok(()),
        }
    }

    /// Remembers that only a person can help, so that the provider is not asked again for a while.
    pub(crate) fn note(&self, account: &str, tenant: &str, failure: &Failure) {
        if failure.kind == FailureKind::Transient || failure.refusal.reason == Reason::VaultUnavailable {
            return;
        }
        let place = (failure.kind != FailureKind::SessionEnded).then(|| tenant.to_owned());
        let mut known = locked(&self.known);
        let place = (account.to_owned(), place);
        let longer = known.get(&place).map_or(DEAD_FOR, |last| (last.wait * 2).min(DEAD_FOR_LONGEST));
        let wait = failure.believed_for.map_or(longer, Duration::from_secs);
        let until = self.clock.monotonic() + wait;
        known.insert(place, Problem { until, wait, failure: failure.clone() });
    }

    /// It works again at a tenant.
    pub(super) fn solved(&self, account: &str, tenant: &str) {
        let mut known = locked(&self.known);
        known.remove(&(account.to_owned(), None));
        known.remove(&(account.to_owned(), Some(tenant.to_owned())));
    }

    /// What stands between an account and new keys at a tenant.
    pub(crate) fn at(&self, account: &str, tenant: &str) -> Option<Refusal> {
        let known = locked(&self.known);
        let places = [None, Some(tenant.to_owned())];
        let found = places.into_iter().find_map(|place| known.get(&(account.to_owned(), place)));
        found.map(|problem| problem.failure.refusal.clone())
    }

    /// Any of an account's problems at these tenants, for people. What another tenant says, where it was only tried,
    /// is none.
    pub(super) fn of(&self, account: &str, tenants: &[&str]) -> Option<Refusal> {
        let known = locked(&self.known);
        let matters = |place: Option<&str>| place.is_none_or(|tenant| tenants.contains(&tenant));
        let found = known.iter().find(|((of, place), _)| of == account && matters(place.as_deref()));
        found.map(|(_, problem)| problem.failure.refusal.clone())
    }

    /// What a person has to do about a session that keeps serving, told once in a while. What a program in the
    /// background was told is told again at a terminal.
    pub(crate) fn notice(
        &self,
        account: &str,
        tenant: &str,
        at_terminal: impl FnOnce() -> bool,
    ) -> Option<Refusal> {
        let problem = self.at(account, tenant)?;
        let now = self.clock.monotonic();
        let reader = (account.to_owned(), at_terminal());
        let mut noticed = locked(&self.noticed);
        let due = noticed.get(&reader).is_none_or(|last| now.saturating_sub(*last) >= NOTICED_EVERY);
        due.then(|| {
            noticed.insert(reader, now);
            problem
        })
    }

    /// A person asks: what only an administrator could mend may have been mended.
    pub(crate) fn forget_refusals(&self, account: &str) {
        locked(&self.known)
            .retain(|(of, _), problem| of != account || problem.failure.kind != FailureKind::Final);
    }

    pub(super) fn forget(&self, account: &str) {
        locked(&self.known).retain(|(of, _), _| of != account);
        locked(&self.noticed).retain(|(of, _), _| of != account);
    }

    /// The claims the next sign-in must satisfy. They are given once: a loop must not be possible.
    pub(crate) fn take_claims(&self, account: &str) -> Option<String> {
        let mut known = locked(&self.known);
        let mut of_account = known.iter_mut().filter(|((of, _), _)| of == account);
        of_account.find_map(|(_, problem)| problem.failure.claims.take())
    }
}
