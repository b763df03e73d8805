//! What a key may do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What nuget.org's page for keys lets a person tick (Microsoft: scoped API keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// "Push new packages and package versions".
    Push,
    /// "Push only new package versions".
    PushVersion,
    /// "Unlist or relist package versions".
    Unlist,
}

impl Operation {
    /// As it is written in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::PushVersion => "push-version",
            Self::Unlist => "unlist",
        }
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Push, Self::PushVersion, Self::Unlist]
            .into_iter()
            .find(|operation| operation.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| valetkey_protocol::shown(text.trim()))
    }
}

/// One thing that can be done to a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Push a package whose id is not on nuget.org yet.
    NewPackage,
    /// Push a version of a package that is there.
    NewVersion,
    /// Unlist or relist a version.
    Unlist,
}

impl Right {
    /// For sentences: `may not …`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::NewPackage => "push new packages",
            Self::NewVersion => "push new versions",
            Self::Unlist => "unlist",
        }
    }
}

/// The operations of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operations(BTreeSet<Operation>);

impl Operations {
    /// Names separated by commas or white space; the first one that is none comes back.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        Ok(Self(words.map(Operation::from_str).collect::<Result<_, _>>()?))
    }

    /// Whether there are none, which no key on nuget.org has.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they allow.
    pub fn rights(&self) -> BTreeSet<Right> {
        let of = |operation: &Operation| -> &'static [Right] {
            match operation {
                Operation::Push => &[Right::NewPackage, Right::NewVersion],
                Operation::PushVersion => &[Right::NewVersion],
                Operation::Unlist => &[Right::Unlist],
            }
        };
        self.0.iter().flat_map(of).copied().collect()
    }

    /// Whether something is allowed.
    pub fn allow(&self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// Whether any package can be pushed: without that, nuget.org's check of a key refuses it although it is good.
    pub fn can_push(&self) -> bool {
        self.allow(Right::NewVersion)
    }
}

impl FromIterator<Operation> for Operations {
    fn from_iter<T: IntoIterator<Item = Operation>>(operations: T) -> Self {
        Self(operations.into_iter().collect())
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|operation| operation.name()).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        let all = Operations::parse("unlist, Push push-version").unwrap();
        assert_eq!(all.to_string(), "push, push-version, unlist");
        assert_eq!(serde_json::to_string(&all).unwrap(), r#"["push","push-version","unlist"]"#);
        assert_eq!(Operations::parse("push,delete").unwrap_err(), "delete");
        assert!(Operations::parse(" ").unwrap().is_empty());
    }

    #[test]
    fn push_allows_more_than_push_version() {
        for (names, rights) in [
            ("push", vec![Right::NewPackage, Right::NewVersion]),
            ("push-version", vec![Right::NewVersion]),
            ("push,push-version", vec![Right::NewPackage, Right::NewVersion]),
            ("unlist", vec![Right::Unlist]),
        ] {
            let operations = Operations::parse(names).unwrap();
            assert!(operations.rights().into_iter().eq(rights), "{names}");
            assert_eq!(operations.can_push(), names != "unlist");
        }
    }
}
