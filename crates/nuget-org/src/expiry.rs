//! How near the end of a key is.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// How many days before its end a key is warned of: as many as nuget.org's mail and header.
pub const WARN_DAYS: u64 = 10;

const DAY: u64 = 86_400;

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Nobody said when it ends.
    Unknown,
    /// Later than [`WARN_DAYS`] from now.
    Far,
    /// Within [`WARN_DAYS`].
    Soon {
        /// Whole days left: 0 in its last 24 hours.
        days: u64,
    },
    /// It is over.
    Expired,
}

impl Expiry {
    /// The nearness of a moment, both in seconds since 1970.
    pub fn of(expires_at: Option<u64>, now: u64) -> Self {
        let Some(expires_at) = expires_at else { return Self::Unknown };
        match expires_at.saturating_sub(now) {
            0 => Self::Expired,
            left if left <= WARN_DAYS * DAY => Self::Soon { days: left / DAY },
            _ => Self::Far,
        }
    }

    /// Whether a person should hear of it, and in what words: a half sentence that follows the key's name.
    pub fn warning(self) -> Option<String> {
        match self {
            Self::Unknown | Self::Far => None,
            Self::Expired => Some("has expired".to_owned()),
            Self::Soon { days: 0 } => Some("expires within a day".to_owned()),
            Self::Soon { days: 1 } => Some("expires in 1 day".to_owned()),
            Self::Soon { days } => Some(format!("expires in {days} days")),
        }
    }
}

/// When a key ends, from what a person says: `365d` from now, or the day the site shows, `2027-03-01`, whose first
/// second (UTC) counts so that no key is taken for good too long. Seconds since 1970.
pub fn parse_expiry(text: &str, now: u64) -> Option<u64> {
    let text = text.trim();
    if let Some(days) = text.strip_suffix(['d', 'D']) {
        let days: u64 = days.trim().parse().ok()?;
        return (1..=3650).contains(&days).then(|| now.saturating_add(days * DAY));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return u64::try_from(at.as_second()).ok();
    }
    let day: Date = text.parse().ok()?;
    let begins = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    (text.len() == "2027-03-01".len()).then_some(())?;
    u64::try_from(begins).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_days_ahead_and_not_a_second_more() {
        let now = 1_800_000_000;
        for (left, expected) in [
            (0, Expiry::Expired),
            (1, Expiry::Soon { days: 0 }),
            (DAY - 1, Expiry::Soon { days: 0 }),
            (DAY, Expiry::Soon { days: 1 }),
            (10 * DAY, Expiry::Soon { days: 10 }),
            (10 * DAY + 1, Expiry::Far),
        ] {
            assert_eq!(Expiry::of(Some(now + left), now), expected, "{left}");
        }
        assert_eq!(Expiry::of(Some(now - 1), now), Expiry::Expired);
        assert_eq!(Expiry::of(Some(u64::MAX), 0), Expiry::Far);
        assert_eq!(Expiry::of(None, now), Expiry::Unknown);
    }

    #[test]
    fn warnings_read_on_from_the_name() {
        let words = |expiry: Expiry| expiry.warning().unwrap_or_default();
        assert_eq!(words(Expiry::Soon { days: 0 }), "expires within a day");
        assert_eq!(words(Expiry::Soon { days: 1 }), "expires in 1 day");
        assert_eq!(words(Expiry::Soon { days: 7 }), "expires in 7 days");
        assert_eq!(words(Expiry::Expired), "has expired");
        assert_eq!(words(Expiry::Far) + &words(Expiry::Unknown), "");
    }

    #[test]
    fn what_people_write() {
        let now = 1_800_000_000;
        for (text, expected) in [
            ("365d", Some(now + 365 * DAY)),
            (" 1 D ", Some(now + DAY)),
            ("2027-03-01", Some(1_803_859_200)),
            ("2027-03-01T12:00:00Z", Some(1_803_902_400)),
            ("2027-03-01T12:00:00+01:00", Some(1_803_898_800)),
            ("0d", None),
            ("-1d", None),
            ("99999d", None),
            ("2027-02-30", None),
            ("01/03/2027", None),
            ("1969-01-01", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse_expiry(text, now), expected, "{text:?}");
        }
    }
}
