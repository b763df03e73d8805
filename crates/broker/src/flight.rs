//! From a name to a key: the one at hand, the one in the air, or a new one.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;
use valetkey_protocol::{Issuer, Reason, Refusal};

use crate::{
    Broker, Failure,
    keys::{Key, KeyName, Landing, Table},
    policy::Product,
};

/// Longest a question waits for a key that is being minted.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest a cold question waits for the values of an earlier run.
const LOADING: Duration = Duration::from_secs(2);
/// A key replaced ahead of time may be in the hands of a running clone: it is revoked after this.
const GRACE: Duration = Duration::from_secs(600);
/// What a question says about the key it had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused<'a> {
    Nothing,
    /// The key of this state was refused within the same command.
    Key(&'a str),
}

/// How a new key is to follow the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// There is none, or its time is over.
    Cold,
    /// Its time is nearly over.
    Ahead,
    /// It was refused.
    Forced,
    /// The machine slept, and it may have been withdrawn.
    Slept,
    /// Its refusal may be another's: the service is asked first.
    Doubted,
}

enum Found {
    Warm(Arc<Key>),
    Flight(watch::Receiver<Landing>, Option<Arc<Key>>),
}

impl Broker {
    /// A key for a name, and whether the question had to wait for it.
    pub(crate) async fn obtain(
        self: &Arc<Self>,
        name: &KeyName,
        refused: Refused<'_>,
    ) -> Result<(Arc<Key>, bool), Refusal> {
        let (mut flight, fallback) = match self.find(name, refused)? {
            Found::Warm(key) => return Ok((key, false)),
            Found::Flight(flight, fallback) => (flight, fallback),
        };
        let landed = tokio::time::timeout(PATIENCE, flight.wait_for(Option::is_some)).await;
        let outcome = match landed {
            Ok(Ok(landing)) => landing.clone(),
            Ok(Err(_)) => Some(Err(Refusal::new(Reason::Internal, "minting the key failed", "try again"))),
            Err(_) => Some(Err(slow())),
        };
        match (outcome.unwrap_or_else(|| Err(slow())), fallback) {
            (Ok(key), _) => {
                let fresh = refused != Refused::Key(key.state());
                Ok((key, fresh))
            }
            (Err(refusal), Some(old)) if self.still_serves(&old, &refusal) => Ok((old, false)),
            (Err(refusal), _) => Err(refusal),
        }
    }

    /// Whether a key may be given although no better one was to be had. One that may have been withdrawn while the
    /// machine slept is given only where nobody could be asked.
    fn still_serves(&self, key: &Key, refusal: &Refusal) -> bool {
        let now = self.moment();
        let unasked = matches!(
            refusal.reason,
            Reason::Unavailable | Reason::Throttled | Reason::Proxy | Reason::Tls | Reason::Busy
        );
        key.is_usable(now) && (unasked || !key.slept(now))
    }

    fn find(self: &Arc<Self>, name: &KeyName, refused: Refused<'_>) -> Result<Found, Refusal> {
        let now = self.moment();
        let mut table = self.table();
        let slot = table.slot(name);
        let usable = slot.key.clone().filter(|key| key.is_usable(now));
        let this_one = |key: &Key| matches!(refused, Refused::Key(state) if state == key.state());
        let flight = slot.flight();
        let (why, fallback) = match usable {
            Some(key) if this_one(&key) && name.purpose.product() == Product::Packaging => {
                (Why::Doubted, None)
            }
            Some(key) if this_one(&key) => {
                key.suspect.store(true, Ordering::Relaxed);
                if flight.is_none() && !slot.may_force(now.monotonic) {
                    return Err(slot.failure(now.monotonic).unwrap_or_else(|| refused_again(name)));
                }
                (Why::Forced, None)
            }
            // Its account is asked again whether it is still good; a service that cannot be reached costs nothing.
            Some(key) if key.slept(now) => (Why::Slept, Some(key)),
            Some(key) if key.suspect.load(Ordering::Relaxed) => {
                if flight.is_none() && !slot.may_force(now.monotonic) {
                    return Ok(Found::Warm(key));
                }
                (Why::Forced, Some(key))
            }
            Some(key) => {
                if key.wants_renewal(now) && flight.is_none() && slot.failure(now.monotonic).is_none() {
                    self.take_off(&mut table, name, Why::Ahead);
                }
                return Ok(Found::Warm(key));
            }
            None => (Why::Cold, None),
        };
        if let Some(flight) = flight {
            return Ok(Found::Flight(flight, fallback));
        }
        match slot.failure(now.monotonic) {
            Some(refusal) if why == Why::Cold => Err(refusal),
            _ => Ok(Found::Flight(self.take_off(&mut table, name, why), fallback)),
        }
    }

    /// Starts a flight in a task of its own, so that nobody's leaving ends it. The caller holds the table and has seen
    /// that none is in the air.
    fn take_off(self: &Arc<Self>, table: &mut Table, name: &KeyName, why: Why) -> watch::Receiver<Landing> {
        let epoch = table.epoch;
        let landing = table.slot(name).take_off();
        let receiver = landing.subscribe();
        self.in_air.send_modify(|count| *count += 1);
        let (broker, name) = (Arc::clone(self), name.clone());
        tokio::spawn(async move {
            let _counted = InAir(Arc::clone(&broker));
            let outcome = broker.fly(&name, why).await;
            let landed = broker.land(&name, epoch, why, outcome).await;
            landing.send_replace(Some(landed));
        });
        receiver
    }

    async fn fly(&self, name: &KeyName, why: Why) -> Result<Arc<Key>, Failure> {
        if why == Why::Cold {
            let mut loaded = self.loaded.subscribe();
            let _ = tokio::time::timeout(LOADING, loaded.wait_for(|loaded| *loaded)).await;
            let now = self.moment();
            let at_hand = self.table().slot(name).key.clone().filter(|key| key.is_usable(now));
            if let Some(key) = at_hand {
                return Ok(key);
            }
        }
        let account = self.accounts.find(&name.account).filter(|account| !account.leaving);
        let account = account.ok_or_else(|| signed_out(&name.organisation))?;
        if why == Why::Doubted
            && let Some(key) = self.cleared(name, &account).await?
        {
            return Ok(key);
        }
        let lane = self.lane(account.tenant_for(&name.organisation));
        let _lane = lane.acquire().await;
        self.issue(name, &account).await
    }

    async fn land(
        self: &Arc<Self>,
        name: &KeyName,
        epoch: u64,
        why: Why,
        outcome: Result<Arc<Key>, Failure>,
    ) -> Result<Arc<Key>, Refusal> {
        let now = self.clock.monotonic();
        let nonce = outcome.as_ref().ok().map(|key| key.state().to_owned());
        let (unwanted, grace, landed) = {
            let mut table = self.table();
            let thrown_away = table.epoch != epoch;
            let slot = table.slot(name);
            slot.land();
            match outcome {
                Ok(key) if thrown_away => (Some(key), None, Err(overtaken())),
                Ok(key) => {
                    slot.forget_failure();
                    let old = slot.key.replace(Arc::clone(&key)).filter(|old| old.state() != key.state());
                    (old, (!matches!(why, Why::Forced | Why::Doubted)).then_some(GRACE), Ok(key))
                }
                Err(failure) => {
                    slot.fail(now + Duration::from_secs(failure.hold()), failure.refusal.clone());
                    (None, None, Err(failure.refusal))
                }
            }
        };
        // Nobody waits for this one: the key that is there has been given.
        if let (Why::Ahead, Err(refusal)) = (why, &landed)
            && let Some(account) = self.accounts.find(&name.account)
        {
            self.summon(&account, &name.organisation, Some(refusal), || true);
        }
        // Only now is it the sweep's business: it takes what is on the ledger and not in the table for an orphan.
        nonce.inspect(|nonce| self.ledger.landed(nonce));
        if let Some(key) = unwanted.filter(|key| key.issuer == Issuer::Pat) {
            self.supersede(&key.entry, grace).await;
        }
        landed
    }
}

/// Counts a flight down however it ends.
struct InAir(Arc<Broker>);

impl Drop for InAir {
    fn drop(&mut self) {
        self.0.in_air.send_modify(|count| *count = count.saturating_sub(1));
    }
}

fn slow() -> Refusal {
    Refusal::new(
        Reason::Unavailable,
        format!("no key was minted within {} seconds", PATIENCE.as_secs()),
        "try again; `valetkey status` tells what it waits for",
    )
}

fn overtaken() -> Refusal {
    Refusal::new(Reason::Busy, "keys were revoked while this one was being minted", "try again")
}

pub(crate) fn signed_out(organisation: &str) -> Refusal {
    Refusal::new(
        Reason::NeedsLogin,
        "the account is no longer signed in",
        format!("run `valetkey login {organisation}`"),
    )
}

pub(crate) fn refused_again(name: &KeyName) -> Refusal {
    let organisation = &name.organisation;
    Refusal::new(
        Reason::AccessDenied,
        format!("Azure DevOps refused a key of organisation `{organisation}` that was minted just now"),
        format!("check that your account may use this {}", name.purpose.place()),
    )
}
