//! Which packages a key is for.

use std::{cmp::Reverse, fmt};

use serde::{Deserialize, Serialize};

use crate::PackageId;

/// A pattern over package ids. Only `*` is special: it stands for any number of characters, also none. Case does
/// not count, and the whole id must match (Microsoft: scoped API keys, "glob pattern").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob(String);

/// The longest pattern that is taken, in characters: an id with wildcards.
const MAX_GLOB: usize = 128;

/// How wide a pattern is. Less is narrower: first patterns without a wildcard, then by the text before the first
/// wildcard (longer is narrower), by the number of wildcards, and by all literal characters.
pub(crate) type Width = (bool, Reverse<usize>, usize, Reverse<usize>);

impl Glob {
    /// The pattern, where it could match an id at all: characters of ids, and `*`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
        (!text.is_empty() && text.len() <= MAX_GLOB && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it covers a package.
    pub fn covers(&self, id: &PackageId) -> bool {
        matches(self.0.as_bytes(), id.as_str().as_bytes())
    }

    pub(crate) fn width(&self) -> Width {
        let wildcards = self.0.bytes().filter(|byte| *byte == b'*').count();
        let prefix = self.0.find('*').unwrap_or(self.0.len());
        (wildcards > 0, Reverse(prefix), wildcards, Reverse(self.0.len() - wildcards))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.0
    }
}

impl TryFrom<String> for Glob {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a pattern over package ids")
    }
}

/// Goes back to the last `*` only: earlier ones need no second try. At most `pattern × text` steps.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            back = Some((p + 1, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|byte| byte.eq_ignore_ascii_case(&text[t])) {
            p += 1;
            t += 1;
        } else if let Some((after, from)) = back {
            back = Some((after, from + 1));
            p = after;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The patterns of one key. An empty list is the same as `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Glob>", into = "Vec<Glob>")]
pub struct Globs(Vec<Glob>);

impl Globs {
    /// Patterns separated by commas, semicolons or white space; the first one that is none comes back.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
        let globs: Result<Vec<_>, _> = words
            .filter(|word| !word.is_empty())
            .map(|word| Glob::parse(word).ok_or_else(|| valetkey_protocol::shown(word)))
            .collect();
        Ok(Self::from(globs?))
    }

    /// Every pattern; never none.
    pub fn iter(&self) -> impl Iterator<Item = &Glob> {
        self.0.iter()
    }

    /// The narrowest pattern that covers a package.
    pub fn covering(&self, id: &PackageId) -> Option<&Glob> {
        self.0.iter().filter(|glob| glob.covers(id)).min_by_key(|glob| glob.width())
    }

    pub(crate) fn widest(&self) -> Option<Width> {
        self.0.iter().map(Glob::width).max()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Default for Globs {
    fn default() -> Self {
        Self(vec![Glob("*".to_owned())])
    }
}

impl From<Vec<Glob>> for Globs {
    fn from(globs: Vec<Glob>) -> Self {
        if globs.is_empty() { Self::default() } else { Self(globs) }
    }
}

impl From<Globs> for Vec<Glob> {
    fn from(globs: Globs) -> Self {
        globs.0
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, glob) in self.0.iter().enumerate() {
            write!(f, "{}{glob}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
