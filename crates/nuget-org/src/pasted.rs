//! A key as a person pastes it.

use std::fmt;

use valetkey_protocol::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::KeyKind;

mod marvin;
mod v5;

pub use v5::V5Facts;

const V4_LENGTH: usize = 46;

/// A key that has the form of one. Whether nuget.org takes it is another question.
pub struct Pasted {
    /// Its value, without what came along with it.
    pub secret: SecretString,
    /// What it says of itself; nothing for the older shape.
    pub facts: Option<V5Facts>,
}

impl Pasted {
    /// Takes white space and invisible characters out of what was pasted, and checks the rest: `oy2` and 43 digits of
    /// base 32 (case does not count), or 84 characters with marks, times and a checksum in their places
    /// (NuGetGallery: `ApiKeyV4`, `ApiKeyV5`). No error contains any of it.
    pub fn parse(text: &SecretString) -> Result<Self, PasteError> {
        let visible = text.expose_secret().chars().filter(|c| !is_invisible(*c));
        // As long as the longest it can become, so that no shorter copy is left behind.
        let mut kept = Zeroizing::new(String::with_capacity(text.expose_secret().len()));
        kept.extend(visible);
        let facts = match kept.len() {
            0 => return Err(PasteError::Empty),
            V4_LENGTH if is_v4(&kept) => None,
            v5::LENGTH if v5::has_marks(&kept) => Some(v5::read(&kept).ok_or(PasteError::Mistyped)?),
            _ => return Err(PasteError::of_something_else(&kept)),
        };
        Ok(Self { secret: SecretString::from(kept.as_str()), facts })
    }

    /// Its shape.
    pub fn kind(&self) -> KeyKind {
        if self.facts.is_some() { KeyKind::V5 } else { KeyKind::V4 }
    }

    /// Its end as it says itself, in seconds since 1970. Where there is none, a person must say it.
    pub fn expires_at(&self) -> Option<u64> {
        self.facts.as_ref().map(V5Facts::expires_at)
    }
}

impl fmt::Debug for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pasted")
            .field("kind", &self.kind())
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

fn is_v4(text: &str) -> bool {
    let is_base32 = |byte: u8| matches!(byte.to_ascii_lowercase(), b'a'..=b'z' | b'2'..=b'7');
    text.as_bytes()[..3].eq_ignore_ascii_case(b"oy2") && text.bytes().all(is_base32)
}

/// What rides along from web pages, chats and terminals: white space, byte order marks, zero-width characters,
/// and the ends of a bracketed paste.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// What was pasted is no key of nuget.org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasteError {
    /// Nothing at all.
    #[error("nothing was pasted")]
    Empty,
    /// It has the marks of a key, but its checksum or its times are wrong: a character was lost or changed.
    #[error("the key was damaged on the way here")]
    Mistyped,
    /// It begins like a key and ends too early or too late.
    #[error("the key has {found} characters in place of {expected}")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A GUID: a key of the time before scopes, which nuget.org cannot refresh.
    #[error("this is a legacy key, which is good for every package and cannot be refreshed")]
    Legacy,
    /// A key of Azure DevOps.
    #[error("this is a personal access token of Azure DevOps")]
    AzureDevOps,
    /// Anything else.
    #[error("this is not a key of nuget.org")]
    Other,
}

impl PasteError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Mistyped | Self::Length { .. } => {
                "copy the key again with the page's own `Copy` button; it is shown once, so a lost one must be refreshed"
            }
            Self::Legacy => "create a scoped key on `https://www.nuget.org/account/apikeys` and add that one",
            Self::AzureDevOps => {
                "feeds of Azure Artifacts need no key here; run `valetkey setup nuget` for them"
            }
            Self::Other => {
                "copy it from `https://www.nuget.org/account/apikeys`; a key begins with `oy2` or has 84 characters"
            }
        }
    }

    fn of_something_else(text: &str) -> Self {
        let found = text.chars().count();
        let bytes = text.as_bytes();
        let is_guid = |dashes: bool| {
            let hex = |at: usize, byte: u8| match (dashes, at) {
                (true, 8 | 13 | 18 | 23) => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            };
            bytes.iter().enumerate().all(|(at, byte)| hex(at, *byte))
        };
        match found {
            36 if is_guid(true) => Self::Legacy,
            84 if bytes.get(76..80) == Some(b"AZDO") => Self::AzureDevOps,
            _ if bytes.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"oy2")) => {
                if found == V4_LENGTH { Self::Mistyped } else { Self::Length { found, expected: V4_LENGTH } }
            }
            // Of the right length it is a key of another service of Microsoft's.
            _ if found != v5::LENGTH && bytes.get(52..58) == Some(v5::SIGNATURE) => {
                Self::Length { found, expected: v5::LENGTH }
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
