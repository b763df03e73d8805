//! How many keys may be minted in an hour. It bounds what a program gone wild costs: a mail a key.

use std::{collections::VecDeque, time::Duration};

use valetkey_protocol::{Reason, Refusal};

const HOUR: Duration = Duration::from_secs(3600);

/// The mints of the last hour, by the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    mints: VecDeque<Duration>,
}

impl Quota {
    /// Takes one, or says when the next will be free.
    pub(crate) fn take(&mut self, now: Duration, per_hour: u32) -> Result<(), Refusal> {
        while self.mints.front().is_some_and(|mint| now.saturating_sub(*mint) >= HOUR) {
            self.mints.pop_front();
        }
        if self.mints.len() < usize::try_from(per_hour).unwrap_or(usize::MAX) {
            self.mints.push_back(now);
            return Ok(());
        }
        let free = self.mints.front().map_or(HOUR, |mint| HOUR.saturating_sub(now.saturating_sub(*mint)));
        Err(Refusal::new(
            Reason::Throttled,
            format!("{per_hour} keys were minted within an hour, which is the limit here"),
            "see `valetkey audit` for who asked; raise `mints-per-hour` under `[keys]` if this is right",
        )
        .retry_after(free.as_secs() + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_slides() {
        let mut quota = Quota::default();
        let at = Duration::from_secs;
        quota.take(at(0), 2).unwrap();
        quota.take(at(1800), 2).unwrap();
        let refusal = quota.take(at(2000), 2).unwrap_err();
        assert_eq!((refusal.reason, refusal.retry_after), (Reason::Throttled, Some(1601)));
        quota.take(at(3600), 2).unwrap();
        quota.take(at(3601), 2).unwrap_err();
        quota.take(at(9999), 0).unwrap_err();
    }
}
