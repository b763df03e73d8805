//! NuGet's version numbers (Microsoft: "Package versioning").

use std::cmp::Ordering;

/// The normalised form: no leading zeros, no fourth zero, no build metadata.
pub(crate) fn normalised(version: &str) -> String {
    let version = version.trim().split('+').next().unwrap_or_default();
    let (numbers, label) = split(version);
    let mut numbers = numbers;
    if numbers.len() == 4 && numbers[3] == 0 {
        numbers.pop();
    }
    while numbers.len() < 3 {
        numbers.push(0);
    }
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    match label {
        Some(label) => format!("{}-{label}", numbers.join(".")),
        None => numbers.join("."),
    }
}

/// Is this a version at all: one to four numbers, perhaps a label?
pub(crate) fn is_version(version: &str) -> bool {
    let version = version.split('+').next().unwrap_or_default();
    let (numbers, label) = version.split_once('-').map_or((version, None), |(n, label)| (n, Some(label)));
    let parts: Vec<&str> = numbers.split('.').collect();
    let all_numbers = parts
        .iter()
        .all(|part| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit()));
    let fine = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    };
    (1..=4).contains(&parts.len()) && all_numbers && label.is_none_or(fine)
}

/// Does the version carry a prerelease label?
pub(crate) fn is_prerelease(version: &str) -> bool {
    split(version).1.is_some()
}

/// Semantic versioning's order, with a fourth number.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let (mut left_numbers, left_label) = split(left);
    let (mut right_numbers, right_label) = split(right);
    left_numbers.resize(4, 0);
    right_numbers.resize(4, 0);
    left_numbers.cmp(&right_numbers).then_with(|| match (left_label, right_label) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => labels(left, right),
    })
}

fn labels(left: &str, right: &str) -> Ordering {
    let key = |label: &str| -> Vec<(bool, u64, String)> {
        let part = |part: &str| match part.parse() {
            Ok(number) => (false, number, String::new()),
            Err(_) => (true, 0, part.to_lowercase()),
        };
        label.split('.').map(part).collect()
    };
    key(left).cmp(&key(right))
}

fn split(version: &str) -> (Vec<u64>, Option<&str>) {
    let version = version.split('+').next().unwrap_or_default();
    let (numbers, label) = version.split_once('-').map_or((version, None), |(n, label)| (n, Some(label)));
    (numbers.split('.').take(4).map(|number| number.parse().unwrap_or(0)).collect(), label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_normalised_version_stays_as_it_is(version in "[0-9]{1,6}(\\.[0-9]{1,6}){0,3}(-[a-zA-Z0-9.]{1,8})?") {
            prop_assume!(is_version(&version));
            let normal = normalised(&version);
            prop_assert!(is_version(&normal) && order(&version, &normal).is_eq());
            prop_assert_eq!(normalised(&normal), normal);
        }

        #[test]
        fn the_order_turns_round(left in "[0-9.]{0,9}(-[a-z0-9.]{0,4})?", right in "[0-9.]{0,9}(-[a-z0-9.]{0,4})?") {
            prop_assert_eq!(order(&left, &right), order(&right, &left).reverse());
        }
    }

    #[test]
    fn versions_have_one_form_and_an_order() {
        for (written, normal) in [
            ("1.0", "1.0.0"),
            ("1.0.0.0", "1.0.0"),
            ("1.02.3.4", "1.2.3.4"),
            ("1.0.0-Beta.1+build5", "1.0.0-Beta.1"),
        ] {
            assert_eq!(normalised(written), normal);
        }
        let sorted = ["1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0", "1.0.0.1", "1.10.0"];
        assert!(sorted.is_sorted_by(|left, right| order(left, right).is_lt()));
        assert!(is_version("1.2.3.4-rc.1+x") && is_prerelease("1.0-rc"));
        for bad in ["", "1.", "a.b", "1.2.3.4.5", "1.0-", "1.0-ä"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
