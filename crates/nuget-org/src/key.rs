//! What is known of a key: everything but its value.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Expiry, Globs, Operations};

/// A person's name for a key: `A-Z a-z 0-9 . _ -`, at most 64 characters, beginning with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

impl KeyName {
    /// The name, where it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        (begins && text.len() <= 64 && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.0
    }
}

impl TryFrom<String> for KeyName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a name for a key")
    }
}

/// The two shapes a key has today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// 46 characters that say nothing of the key; what the site's page makes.
    V4,
    /// 84 characters with the key's own times in them.
    V5,
}

/// One key of nuget.org, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Key {
    /// What people here call it.
    pub name: KeyName,
    /// The user or organisation of nuget.org whose packages it is for.
    pub owner: String,
    /// The packages it is for.
    pub globs: Globs,
    /// What it may do.
    pub operations: Operations,
    /// Its end, in seconds since 1970, where known.
    pub expires_at: Option<u64>,
    /// Its shape.
    pub kind: KeyKind,
    /// When nuget.org refused it although its time is not over, in seconds since 1970: it was deleted there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<u64>,
    /// Which of the vault's secrets is its value. [`crate::Keys`] sets it; 0 is none.
    #[serde(default)]
    pub slot: u64,
}

impl Key {
    /// A key for every package that may do nothing yet, of unknown end.
    pub fn new(name: KeyName, owner: impl Into<String>, kind: KeyKind) -> Self {
        Self {
            name,
            owner: owner.into(),
            globs: Globs::default(),
            operations: Operations::default(),
            expires_at: None,
            kind,
            refused_at: None,
            slot: 0,
        }
    }

    /// How near its end is.
    pub fn expiry(&self, now: u64) -> Expiry {
        Expiry::of(self.expires_at, now)
    }

    /// Whether it could be used now.
    pub fn is_live(&self, now: u64) -> bool {
        self.refused_at.is_none() && self.expiry(now) != Expiry::Expired
    }

    /// Under what name its value rests.
    pub(crate) fn secret_name(&self) -> String {
        secret_name(&self.name, self.slot)
    }
}

pub(crate) fn secret_name(name: &KeyName, slot: u64) -> String {
    format!("nuget-org/{name}/{slot}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["ci", "contoso.push-2026", "0_a"] {
            assert!(KeyName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-k", "--undo", ".a", "a b", "a/b", "ä", "a\n", &"a".repeat(65)] {
            assert_eq!(KeyName::parse(bad), None, "{bad:?}");
        }
    }
}
