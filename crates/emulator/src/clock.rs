//! The emulator's time: movable, and rounded as Azure DevOps rounds.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::options::ClockMode;

const NANOS: i64 = 1_000_000_000;

/// Nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

impl Time {
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS))
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS)
    }

    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(NANOS)))
    }

    /// An RFC 3339 time as a client writes it, any offset and fraction.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let stamp: Timestamp = text.parse().ok()?;
        Some(Self(i64::try_from(stamp.as_nanosecond()).unwrap_or(i64::MAX)))
    }

    /// Rounded to the 1/300 s that SQL Server's `datetime` keeps, which is what the PAT API gives back.
    pub(crate) fn rounded(self) -> Self {
        let ticks = (i128::from(self.0) * 300 + i128::from(NANOS) / 2).div_euclid(i128::from(NANOS));
        Self(i64::try_from(ticks * i128::from(NANOS) / 300).unwrap_or(i64::MAX))
    }

    /// As .NET writes it: up to seven digits of fraction, trailing zeros dropped.
    pub(crate) fn dot_net(self) -> String {
        let stamp = self.stamp();
        let fraction = format!("{:07}", self.0.rem_euclid(NANOS) / 100);
        let fraction = fraction.trim_end_matches('0');
        let whole = stamp.strftime("%Y-%m-%dT%H:%M:%S");
        if fraction.is_empty() { format!("{whole}Z") } else { format!("{whole}.{fraction}Z") }
    }

    /// As Microsoft Entra writes it in errors: `2021-10-29 17:16:31Z`.
    pub(crate) fn entra(self) -> String {
        self.stamp().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// An HTTP date (RFC 9110 §5.6.7).
    pub(crate) fn http_date(self) -> String {
        self.stamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The calendar and the clock in UTC.
    pub(crate) fn civil(self) -> DateTime {
        Offset::UTC.to_datetime(self.stamp())
    }

    fn stamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(Timestamp::MAX)
    }
}

/// The clock of one emulator.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    mode: ClockMode,
    offset_seconds: i64,
    /// How often a test moved the clock: what was issued before a jump is not the client's to blame.
    jumps: u64,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        Self { mode, offset_seconds: 0, jumps: 0 }
    }

    pub(crate) fn now(&self) -> Time {
        let base = match self.mode {
            ClockMode::Frozen(seconds) => Time::from_seconds(seconds),
            ClockMode::Flowing => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
            }
        };
        base.plus(self.offset_seconds)
    }

    pub(crate) fn advance(&mut self, seconds: i64) {
        self.offset_seconds = self.offset_seconds.saturating_add(seconds);
        self.jumps += 1;
    }

    pub(crate) fn set(&mut self, seconds: i64) {
        let delta = seconds - self.now().seconds();
        self.advance(delta);
    }

    pub(crate) fn jumps(&self) -> u64 {
        self.jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_as_microsofts_examples_do() {
        let shown = |text: &str| Time::parse(text).expect(text).rounded().dot_net();
        assert_eq!(shown("2020-12-01T23:46:23.319Z"), "2020-12-01T23:46:23.32Z");
        assert_eq!(shown("2020-11-02T22:56:52.1034Z"), "2020-11-02T22:56:52.1033333Z");
        assert_eq!(shown("2020-11-02T22:56:52Z"), "2020-11-02T22:56:52Z");
        assert_eq!(shown("2026-11-22T12:00:00.000+01:00"), "2026-11-22T11:00:00Z");
    }

    #[test]
    fn a_frozen_clock_moves_only_by_hand() {
        let mut clock = Clock::new(ClockMode::Frozen(1_000));
        assert_eq!(clock.now().seconds(), 1_000);
        clock.advance(30);
        assert_eq!(clock.now().seconds(), 1_030);
        clock.set(500);
        assert_eq!((clock.now().seconds(), clock.jumps()), (500, 2));
    }

    #[test]
    fn dates_follow_their_formats() {
        let time = Time::from_seconds(1_635_527_791);
        assert_eq!(time.entra(), "2021-10-29 17:16:31Z");
        assert_eq!(time.http_date(), "Fri, 29 Oct 2021 17:16:31 GMT");
    }
}
