//! When a token ends, as a person says it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use valetkey_protocol::shown;

use crate::failure::Failure;

const DAY: u64 = 86_400;
/// Microsoft: a token lives for a year at most.
const LONGEST: u64 = 365 * DAY;
/// What a machine's clock may be off, in seconds.
const SHORTEST: u64 = 60;

/// Seconds since 1970 of `8h`, `30d`, `2w`, `90min`, `2026-12-31` (that day's end, in UTC) or an RFC 3339 time.
pub(super) fn end(text: &str, now: u64) -> Result<u64, Failure> {
    let end = span(text).map(|seconds| now.saturating_add(seconds)).or_else(|| moment(text));
    let end = end.ok_or_else(|| {
        Failure::failed(
            format!("`{}` is no time that a token can end at", shown(text)),
            "say it as `8h`, `30d`, `2w` or `2026-12-31`",
        )
    })?;
    if end < now + SHORTEST {
        return Err(Failure::failed(
            format!("`{}` is over, or is within a minute", shown(text)),
            "give it a later end",
        ));
    }
    if end > now + LONGEST + DAY {
        return Err(Failure::failed(
            format!("`{}` is more than a year from now, and no token lives longer", shown(text)),
            "give it an earlier end; `30d` is enough for most jobs",
        ));
    }
    Ok(end.min(now + LONGEST))
}

fn span(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let seconds = match unit {
        "min" | "m" => 60,
        "h" => 3600,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(seconds)
}

fn moment(text: &str) -> Option<u64> {
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => text
            .parse::<Date>()
            .ok()
            .filter(|_| text.len() == 10)?
            .at(23, 59, 59, 0)
            .to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp(),
    };
    u64::try_from(timestamp.as_second()).ok()
}

/// The day a token ends on, in UTC.
pub(super) fn day(at: u64) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| Timestamp::from_second(at).ok())
        .map_or_else(|| "an unknown day".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // 2027-01-15T08:00:00Z
    const NOW: u64 = 1_800_000_000;

    #[test]
    fn as_people_say_it() {
        for (text, from_now) in [
            ("8h", 8 * 3600),
            ("30d", 30 * DAY),
            ("2w", 14 * DAY),
            ("90min", 5400),
            ("90m", 5400),
            ("365d", 365 * DAY),
            ("366d", 365 * DAY),
            ("2027-01-15", 15 * 3600 + 59 * 60 + 59),
            ("2027-01-15T09:00:00Z", 3600),
            ("2027-01-15T10:00:00+01:00", 3600),
        ] {
            assert_eq!(end(text, NOW).ok(), Some(NOW + from_now), "{text}");
        }
        assert_eq!(day(NOW), "2027-01-15");
    }

    #[test]
    fn what_is_no_end() {
        for text in [
            "",
            "d",
            "30",
            "30 d",
            "1y",
            "-1d",
            "2027-13-01",
            "2027-1-1",
            "0d",
            "30s",
            "2026-12-31",
            "367d",
            "99999999999999999999d",
            "2029-01-01",
            "2027-01-15T07:00:00Z",
        ] {
            assert!(end(text, NOW).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_end_is_within_a_year(text in "[0-9]{0,5}(h|d|w|min|m|-)[0-9-]{0,6}|.{0,20}") {
            if let Ok(at) = end(&text, NOW) {
                prop_assert!((NOW + SHORTEST..=NOW + LONGEST).contains(&at));
            }
        }
    }
}
