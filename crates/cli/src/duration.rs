//! Spans of time as a person says them.

/// Seconds in the two largest units that matter: `7 h 12 min`, `45 s`, `3 d 4 h`.
pub(crate) fn shown(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = UNITS.iter().position(|(size, _)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let (size, name) = UNITS[first];
    let mut text = format!("{} {name}", seconds / size);
    // Seconds beside minutes are noise.
    if let Some((smaller, name)) = UNITS.get(first + 1).filter(|(smaller, _)| *smaller >= 60) {
        let rest = seconds % size / smaller;
        if rest > 0 {
            text = format!("{text} {rest} {name}");
        }
    }
    text
}

/// How long something still lives at `now`, both in seconds since 1970.
pub(crate) fn left(until: u64, now: u64) -> String {
    match until.checked_sub(now) {
        None | Some(0) => "expired".to_owned(),
        Some(seconds) => shown(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (119, "1 min"),
            (3_600, "1 h"),
            (25_920, "7 h 12 min"),
            (25_959, "7 h 12 min"),
            (86_400, "1 d"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(shown(seconds), text);
        }
    }

    #[test]
    fn the_last_second_is_over() {
        assert_eq!(left(100, 100), "expired");
        assert_eq!(left(99, 100), "expired");
        assert_eq!(left(101, 100), "1 s");
        assert_eq!(left(u64::MAX, 0).split(' ').nth(1), Some("d"));
    }
}
