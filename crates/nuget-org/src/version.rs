//! Versions as NuGet writes them: up to four numbers, a prerelease, and metadata that does not count.

use std::fmt;

/// The longest version that nuget.org takes, in characters.
const MAX_VERSION: usize = 64;

/// A version in its normal form: three numbers without leading zeros, a fourth only where it is not 0, the
/// prerelease, no metadata (Microsoft: package versioning, "normalized version numbers").
#[derive(Debug, Clone)]
pub struct PackageVersion(String);

impl PackageVersion {
    /// The version, where it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_VERSION {
            return None;
        }
        let (counted, metadata) = cut(text, '+');
        let (numbers, prerelease) = cut(counted, '-');
        if !metadata.is_none_or(are_labels) || !prerelease.is_none_or(are_labels) {
            return None;
        }
        let mut parts = [0_u32; 4];
        let mut given = numbers.split('.');
        for (at, part) in given.by_ref().take(parts.len()).enumerate() {
            parts[at] = number(part)?;
        }
        if given.next().is_some() {
            return None;
        }
        let [major, minor, patch, revision] = parts;
        let mut normal = match revision {
            0 => format!("{major}.{minor}.{patch}"),
            _ => format!("{major}.{minor}.{patch}.{revision}"),
        };
        if let Some(prerelease) = prerelease {
            normal.push('-');
            normal.push_str(prerelease);
        }
        Some(Self(normal))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for PackageVersion {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for PackageVersion {}

impl fmt::Display for PackageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// A part of the number: what fits a signed 32-bit integer, as in .NET.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| i32::try_from(*number).is_ok())
}

fn are_labels(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Option<String> {
        PackageVersion::parse(text).map(|version| version.to_string())
    }

    #[test]
    fn normal_forms() {
        for (text, expected) in [
            ("1", "1.0.0"),
            ("1.0", "1.0.0"),
            ("1.0.0.0", "1.0.0"),
            ("1.0.0.4", "1.0.0.4"),
            ("1.00.0.1", "1.0.0.1"),
            ("1.01.1", "1.1.1"),
            ("1.2.3-Beta.01", "1.2.3-Beta.01"),
            ("1.0.7+r3456", "1.0.7"),
            ("1.0.7-a+b-c.d", "1.0.7-a"),
            ("1.0.0+a-b", "1.0.0"),
            ("1.0.0--", "1.0.0--"),
            (" 2.1 \n", "2.1.0"),
            ("2147483647.0.0", "2147483647.0.0"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "-",
            "+",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "v1",
            "1.0-",
            "1.0+",
            "1.0-a..b",
            "1.0-ä",
            "-1",
            "1. 0",
            "1.0.0/..",
            "$version$",
            "2147483648",
            "1.+2",
            "1,0",
            "1.0-a+b+c",
        ] {
            assert_eq!(normal(text), None, "{text:?}");
        }
        assert_eq!(normal(&format!("1.0.0-{}", "a".repeat(64))), None);
    }

    proptest! {
        #[test]
        fn normal_forms_stay_and_are_safe_in_a_path(text in "[0-9a-zA-Z.+-]{0,16}|.{0,12}") {
            if let Some(once) = normal(&text) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
                prop_assert!(once.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'));
            }
        }
    }
}
