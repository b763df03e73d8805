//! Times as the service writes them, and seconds since 1970.

use jiff::{
    Timestamp,
    civil::{DateTime, date},
};

/// Seconds since 1970 of a time such as `2020-11-02T22:56:52.1033333Z`, rounded down. Times before 1970 are 0.
///
/// The fraction has zero to nine digits; a time without a zone is UTC (Microsoft: PAT Lifecycle Management API).
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (local, offset) = split_offset(text.trim())?;
    let local: DateTime = local.parse().ok()?;
    let seconds = local.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    let whole = seconds.as_secs() - i64::from(seconds.subsec_nanos() < 0);
    Some(u64::try_from(whole - offset).unwrap_or(0))
}

/// `2026-11-22T12:00:00.000Z`. A time beyond the year 9999 is the last one before it.
pub(crate) fn format(seconds: u64) -> String {
    let at =
        i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// The time without its zone, and the zone's seconds east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(utc) = text.strip_suffix(['Z', 'z']) {
        return Some((utc, 0));
    }
    let time = text.find(['T', 't'])?;
    let Some(sign) = text[time..].rfind(['+', '-']).map(|at| time + at) else {
        return Some((text, 0));
    };
    let (hours, minutes) = text[sign + 1..].split_once(':')?;
    let seconds = i64::from(hours.parse::<u8>().ok()?) * 3600 + i64::from(minutes.parse::<u8>().ok()?) * 60;
    Some((&text[..sign], if text[sign..].starts_with('-') { -seconds } else { seconds }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_length_of_fraction() {
        for (text, expected) in [
            ("2020-11-02T22:56:52Z", Some(1_604_357_812)),
            ("2020-11-02T22:56:52.1Z", Some(1_604_357_812)),
            ("2020-11-02T22:56:52.46Z", Some(1_604_357_812)),
            ("2020-11-02T22:56:52.1033333Z", Some(1_604_357_812)),
            ("2020-11-02T22:56:52.9999999Z", Some(1_604_357_812)),
            ("2020-11-02T22:56:52.1033333", Some(1_604_357_812)),
            ("2020-11-03T00:56:52.5+02:00", Some(1_604_357_812)),
            ("2020-11-02T17:26:52-05:30", Some(1_604_357_812)),
            ("0001-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59.5Z", Some(0)),
            ("9999-12-31T23:59:59.9999999Z", Some(253_402_300_799)),
            ("", None),
            ("Z", None),
            ("tomorrow", None),
            ("2020-13-02T22:56:52Z", None),
            ("2020-11-02T22:56:52+x:y", None),
            ("2020-11-02T22:56:52ZZ", None),
            ("1604357812", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn written_as_the_service_wants_it() {
        assert_eq!(format(1_795_348_800), "2026-11-22T12:00:00.000Z");
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert!(format(u64::MAX).starts_with("9999-12-30T"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..253_402_200_000u64) {
            prop_assert_eq!(parse(&format(seconds)), Some(seconds));
        }

        #[test]
        fn garbage_never_panics(text in "[0-9TZ:.+-]{0,40}|.{0,20}") {
            let _ = parse(&text);
        }
    }
}
