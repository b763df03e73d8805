//! The name of a package.

use std::fmt;

use crate::NugetError;

/// The longest id that nuget.org takes, in characters.
pub const MAX_ID: usize = 100;

/// The id of a package: words of `A-Z a-z 0-9 _` joined by single `.` or `-`, at most [`MAX_ID`] characters
/// (Microsoft: .nuspec reference, `id`). Case is kept, and does not count when ids are compared.
#[derive(Debug, Clone)]
pub struct PackageId(String);

impl PackageId {
    /// The id, where it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        (text.len() <= MAX_ID && text.split(['.', '-']).all(is_word)).then(|| Self(text.to_owned()))
    }

    /// The same with the reason, for what a person typed.
    pub fn typed(text: &str) -> Result<Self, NugetError> {
        Self::parse(text.trim()).ok_or_else(|| {
            let shown = valetkey_protocol::shown(text);
            NugetError::misuse(
                format!("`{shown}` is not the id of a package"),
                "an id has letters, digits, `_`, and single `.` or `-` between them, as in `Contoso.Data`",
            )
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for PackageId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for PackageId {}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for good in ["A", "Contoso.Data", "x_y-z.1", "_", "a".repeat(100).as_str()] {
            assert_eq!(PackageId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        }
        let long = "a".repeat(101);
        for bad in
            ["", ".", "..", "a..b", ".a", "a.", "a/b", "a b", "a\\b", "ä", "a%2e", "$id$", "*", "a\n", &long]
        {
            assert_eq!(PackageId::parse(bad), None, "{bad:?}");
        }
        assert_eq!(PackageId::parse("Contoso.DATA"), PackageId::parse("contoso.data"));
        assert!(PackageId::typed(" Contoso ").is_ok());
        assert!(PackageId::typed("a\u{202e}b").unwrap_err().to_string().contains('\u{fffd}'));
    }
}
