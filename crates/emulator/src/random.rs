//! Identifiers and secrets drawn from a seed, in the shapes of the real ones.

use sha2::{Digest, Sha256};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Letters that cannot be misread, as in Microsoft's device codes.
const CODE: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// SHA-256 in counter mode: reproducible, and good enough for secrets that open nothing.
#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
    counter: u64,
    buffer: Vec<u8>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, counter: 0, buffer: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        if self.buffer.is_empty() {
            let mut hash = Sha256::new();
            hash.update(self.seed.to_le_bytes());
            hash.update(self.counter.to_le_bytes());
            self.counter += 1;
            self.buffer = hash.finalize().to_vec();
        }
        self.buffer.pop().unwrap_or_default()
    }

    fn pick(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = usize::from(self.byte()) * 256 + usize::from(self.byte());
                char::from(alphabet[index % alphabet.len()])
            })
            .collect()
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let bytes = [self.byte(), self.byte(), self.byte(), self.byte()];
        low + i64::from(u32::from_le_bytes(bytes)) % (high - low + 1)
    }

    pub(crate) fn guid(&mut self) -> String {
        let bytes: Vec<u8> = (0..16).map(|_| self.byte()).collect();
        guid(&bytes)
    }

    /// 84 characters with the signature `AZDO` at offset 76 (Microsoft: release notes, sprint 241).
    pub(crate) fn pat(&mut self) -> String {
        format!("{}AZDO{}", self.pick(ALPHANUMERIC, 76), self.pick(ALPHANUMERIC, 4))
    }

    /// 52 characters of base32, as before July 2024.
    pub(crate) fn short_pat(&mut self) -> String {
        self.pick(BASE32, 52)
    }

    pub(crate) fn base32(&mut self, length: usize) -> String {
        self.pick(BASE32, length)
    }

    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        self.pick(ALPHANUMERIC, length)
    }

    /// A value of `length` characters that says nothing, after a fixed prefix.
    pub(crate) fn opaque(&mut self, prefix: &str, length: usize) -> String {
        format!("{prefix}{}", self.pick(URL_SAFE, length))
    }

    /// A device code's `user_code`: nine characters.
    pub(crate) fn user_code(&mut self) -> String {
        self.pick(CODE, 9)
    }
}

/// The identifier that this text always has.
pub(crate) fn guid_of(text: &str) -> String {
    guid(&Sha256::digest(text)[..16])
}

fn guid(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_real_shapes_and_follow_the_seed() {
        let mut random = Random::new(7);
        let pat = random.pat();
        assert_eq!((pat.len(), &pat[76..80]), (84, "AZDO"));
        assert_eq!(random.short_pat().len(), 52);
        assert_eq!(random.guid().len(), 36);
        assert_eq!(Random::new(7).pat(), pat);
        assert_ne!(Random::new(8).pat(), pat);
        assert!((3600..=5400).contains(&random.between(3600, 5400)));
    }
}
