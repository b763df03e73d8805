//! API keys: what they may do, and their shapes (NuGetGallery: `ApiKeyV4`, `ApiKeyV5`).

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{clock::Time, random::Random};

/// What a key may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// New packages and new versions.
    Push,
    /// New versions of packages that exist.
    PushVersion,
    /// Hiding and showing versions.
    Unlist,
}

impl Action {
    /// A scope's actions by its name in the gallery.
    pub(crate) fn parse(scope: &str) -> Option<Vec<Self>> {
        Some(match scope {
            "package:push" => vec![Self::Push],
            "package:pushversion" => vec![Self::PushVersion],
            "package:unlist" => vec![Self::Unlist],
            "all" => vec![Self::Push, Self::PushVersion, Self::Unlist],
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Push => "package:push",
            Self::PushVersion => "package:pushversion",
            Self::Unlist => "package:unlist",
        }
    }
}

/// Which kind of key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Made on the site; its end is known to the site only.
    V4,
    /// Carries its own end.
    V5,
    /// For one question about one package, and for a day.
    Verify { id: String },
}

/// One key.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    pub(crate) number: usize,
    pub(crate) secret: String,
    pub(crate) kind: Kind,
    /// The person or organisation for whom it publishes.
    pub(crate) owner: String,
    pub(crate) globs: Vec<String>,
    pub(crate) actions: Vec<Action>,
    pub(crate) lifetime: i64,
    pub(crate) expires: Time,
    pub(crate) revoked: bool,
    /// The repository that Trusted Publishing made it for.
    pub(crate) repository: Option<String>,
    pub(crate) pushes: Vec<Time>,
    pub(crate) unlists: Vec<Time>,
    pub(crate) uses: u64,
}

impl ApiKey {
    pub(crate) fn is_live(&self, now: Time) -> bool {
        !self.revoked && now < self.expires
    }

    /// Do its globs name this package? No globs name every one.
    pub(crate) fn covers(&self, id: &str) -> bool {
        self.globs.is_empty() || self.globs.iter().any(|glob| glob_matches(glob, id))
    }
}

/// Only `*` is a wildcard; case does not matter.
fn glob_matches(glob: &str, id: &str) -> bool {
    let (glob, id) = (glob.to_lowercase(), id.to_lowercase());
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = id.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// 46 characters: `oy2` and base32.
pub(super) fn v4(random: &mut Random) -> String {
    format!("oy2{}", random.base32(43))
}

const TIME_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NUMBER_DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 84 characters. Dates and numbers inside use two different orders of the 62 digits.
pub(super) fn v5(random: &mut Random, now: Time, owner: u64, lifetime: i64) -> String {
    let made = now.civil();
    let digit = |value: i16| char::from(TIME_DIGITS[usize::try_from(value).unwrap_or(0) % 62]);
    let lifetime = u64::try_from(lifetime).unwrap_or(0) / 300;
    let kind = if lifetime <= 12 { 'S' } else { 'L' };
    let mut key = random.alphanumeric(52);
    key.push_str("JQQJ99");
    key.push(digit(made.year() - 2024));
    key.push(digit(i16::from(made.month()) - 1));
    key.push_str("N5L");
    key.push_str(&number(owner, 6));
    key.push(digit(i16::from(made.day()) - 1));
    key.push(digit(i16::from(made.hour())));
    key.push(digit(i16::from(made.minute())));
    key.push(kind);
    key.push_str(&number(lifetime, 3));
    key.push_str("NUGT");
    key.push_str(&checksum(&key));
    key
}

/// What stands behind the first eighty characters: Marvin32 of the bytes they are base64 of, its own bytes reversed, in
/// base 62 (Microsoft: security-utilities, common annotated security keys, seed `Default0`).
fn checksum(first_eighty: &str) -> String {
    // Eighty letters and digits are always base64.
    let bytes = BASE64_STANDARD.decode(first_eighty).unwrap_or_default();
    let mut rest = u64::from(marvin32(&bytes, u64::from_be_bytes(*b"Default0")).swap_bytes());
    let mut digits = String::new();
    while rest > 0 {
        digits.insert(0, char::from(NUMBER_DIGITS[usize::try_from(rest % 62).unwrap_or(0)]));
        rest /= 62;
    }
    format!("{digits:0<4.4}")
}

/// Microsoft: .NET, `Marvin.ComputeHash32`.
fn marvin32(bytes: &[u8], seed: u64) -> u32 {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(4), 0);
    let bits = |value: u64| u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0);
    let (mut low, mut high) = (bits(seed), bits(seed >> 32));
    let words =
        padded.chunks(4).map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
    // One more round ends it.
    for word in words.chain([0]) {
        low = low.wrapping_add(word);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
    }
    low ^ high
}

fn number(mut value: u64, length: usize) -> String {
    let mut digits = vec![b'0'; length];
    for place in digits.iter_mut().rev() {
        *place = NUMBER_DIGITS[usize::try_from(value % 62).unwrap_or(0)];
        value /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_star_is_a_wildcard() {
        for (glob, id, matches) in [
            ("*", "Anything", true),
            ("contoso.*", "Contoso.Core", true),
            ("Contoso.*", "Contoso", false),
            ("Contoso.*.Core", "contoso.a.b.core", true),
            ("*.Core", "Contoso.Core", true),
            ("*.Core", "Contoso.Core.X", false),
            ("Contoso.Cor?", "Contoso.Core", false),
            ("Contoso.Core", "contoso.core", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob_matches(glob, id), matches, "{glob} {id}");
        }
    }

    #[test]
    fn keys_have_the_real_shapes() {
        let mut random = Random::new(1);
        let key = v4(&mut random);
        assert!(key.len() == 46 && key.starts_with("oy2"));
        // NuGetGallery's own example: December 5th 2024, 13:30, owner 1337, 15 minutes.
        let now = Time::parse("2024-12-05T13:30:00Z").expect("time");
        let key = v5(&mut random, now, 1337, 900);
        assert_eq!((key.len(), &key[52..62], &key[63..80]), (84, "JQQJ99ALN5", "0000LZENeS003NUGT"));
    }
    #[test]
    fn the_checksum_is_the_galleries() {
        // NuGetGallery's own example.
        let first_eighty = format!("{}JQQJ99ALN5Z0000LZENeS003NUGT", "a".repeat(52));
        assert_eq!(checksum(&first_eighty), "3OrW");
    }
}
