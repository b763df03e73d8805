//! The newer shape of a key, which says when it was made and how long it lives.
//!
//! By position (NuGetGallery: `ApiKeyV5`): 0–51 random, 52–57 `JQQJ99`, 58–59 year since 2024 and month, 60–61 `N5`,
//! 62 which gallery, 63–68 owner, 69–71 day, hour and minute, 72 kind, 73–75 lifetime in steps of five minutes,
//! 76–79 `NUGT`, 80–83 checksum. Months and days count from 0, and times are UTC.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::civil::Date;
use zeroize::Zeroizing;

use super::marvin;

pub(super) const LENGTH: usize = 84;
pub(super) const SIGNATURE: &[u8] = b"JQQJ99";

/// `Default0`, read as a number from its first letter down (Microsoft: security-utilities, `VersionTwoChecksumSeed`).
const SEED: u64 = u64::from_be_bytes(*b"Default0");

/// What a key says of itself. It can be read without asking anyone, and does not mean that the key is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V5Facts {
    /// When it was made, in seconds since 1970, to the minute.
    pub allocated_at: u64,
    /// How long it lives from then on, in seconds.
    pub lifetime: u64,
    /// Which gallery made it: `P` is nuget.org.
    pub environment: char,
    /// `S` for a key of trusted publishing, `L` for one of a person.
    pub duration: char,
}

impl V5Facts {
    /// When nuget.org stops taking it, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.allocated_at + self.lifetime
    }
}

/// Whether the marks of nuget.org's own keys are in their places.
pub(super) fn has_marks(key: &str) -> bool {
    let key = key.as_bytes();
    key.len() == LENGTH && &key[52..58] == SIGNATURE && &key[60..62] == b"N5" && &key[76..80] == b"NUGT"
}

/// What a key with the marks says, if every part of it can be.
pub(super) fn read(key: &str) -> Option<V5Facts> {
    let bytes: &[u8; LENGTH] = key.as_bytes().try_into().ok()?;
    if !bytes.iter().all(u8::is_ascii_alphanumeric) || checksum(&key[..80])? != bytes[80..] {
        return None;
    }
    let at = |place: usize| letter_first(bytes[place]);
    let year = 2024 + i16::from(at(58));
    let [month, day, hour, minute] =
        [at(59) + 1, at(69) + 1, at(70), at(71)].map(|number| i8::try_from(number).unwrap_or(i8::MAX));
    let made =
        Date::new(year, month, day).ok()?.to_datetime(jiff::civil::Time::new(hour, minute, 0, 0).ok()?);
    let steps = bytes[73..76].iter().fold(0, |sum, byte| sum * 62 + u64::from(digit_first(*byte)));
    let allocated_at = made.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(V5Facts {
        allocated_at: u64::try_from(allocated_at).ok()?,
        lifetime: steps * 300,
        environment: char::from(bytes[62]),
        duration: char::from(bytes[72]),
    })
}

/// The four characters that belong behind the first eighty: the hash of what these decode to, low byte first, as a
/// number in base 62 filled up with zeros behind, cut off (Microsoft: security-utilities,
/// `TryValidateCommonAnnotatedKey`).
fn checksum(key: &str) -> Option<[u8; 4]> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
    let mut left = marvin::hash(&decoded, SEED).swap_bytes() as usize;
    let mut written = Vec::with_capacity(6);
    while left > 0 {
        written.push(DIGITS[left % 62]);
        left /= 62;
    }
    written.reverse();
    written.resize(written.len().max(4), b'0');
    written[..4].try_into().ok()
}

/// `A`–`Z`, `a`–`z`, `0`–`9` as 0–61: how the parts of a time are written.
fn letter_first(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        _ => byte.wrapping_sub(b'0').wrapping_add(52),
    }
}

/// `0`–`9`, `A`–`Z`, `a`–`z` as 0–61: how the lifetime is written.
fn digit_first(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A' + 10,
        b'a'..=b'z' => byte - b'a' + 36,
        _ => byte.wrapping_sub(b'0'),
    }
}

/// Keys for tests: made as nuget.org makes them, out of one repeated character.
#[cfg(test)]
pub(super) mod made {
    /// The first eighty characters with the checksum that belongs behind them.
    pub(crate) fn checked(first_eighty: &str) -> String {
        let checksum = super::checksum(first_eighty).unwrap();
        format!("{first_eighty}{}", std::str::from_utf8(&checksum).unwrap())
    }
}
