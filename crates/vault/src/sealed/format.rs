//! The bytes of a sealed file.
//!
//! ```text
//! "valetkey sealed\n"  4 bytes: length of the header, most significant first
//! header               JSON: version, where the key comes from, salt, length of the body
//! 24 bytes             nonce
//! body                 XChaCha20-Poly1305 of the map; everything before the nonce is its associated data
//! ```

use std::path::Path;

use chacha20poly1305::{AeadInPlace as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Argon, Key};
use crate::VaultError;

/// Length of the salt, in bytes.
pub(super) const SALT_BYTES: usize = 16;

const MAGIC: &[u8; 16] = b"valetkey sealed\n";
const NONCE_BYTES: usize = 24;
const HEADER_LIMIT: usize = 4096;
const VERSION: u32 = 1;

/// What stands in front of the sealed part, readable by anyone who can read the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) kdf: Kdf,
    /// Made once for a file: it also names the file's key in the kernel.
    #[serde(with = "hex")]
    pub(super) salt: [u8; SALT_BYTES],
    /// Length of the body, in bytes.
    body: usize,
}

/// Where the key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Kdf {
    /// The kernel's keyring.
    Kernel,
    /// A passphrase.
    Argon2id {
        #[serde(flatten)]
        costs: Argon,
        #[serde(with = "hex")]
        check: [u8; 16],
    },
}

impl Header {
    pub(super) fn new(salt: [u8; SALT_BYTES], kdf: Kdf) -> Self {
        Self { version: VERSION, kdf, salt, body: 0 }
    }
}

/// A sealed file, taken apart and not opened yet.
pub(super) struct Sealed {
    pub(super) header: Header,
    bytes: Vec<u8>,
    nonce_at: usize,
}

/// Only the version, which says how to read the rest.
#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl Sealed {
    /// Takes the bytes of a file apart. `path` is for messages.
    pub(super) fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, VaultError> {
        let truncated = || VaultError::Truncated(path.to_owned());
        let damaged = || VaultError::Damaged(path.to_owned());
        let begin = bytes.get(..MAGIC.len()).unwrap_or(&bytes);
        if !MAGIC.starts_with(begin) {
            return Err(damaged());
        }
        let length = bytes.get(MAGIC.len()..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(truncated)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > HEADER_LIMIT {
            return Err(damaged());
        }
        let header_at = MAGIC.len() + 4;
        let nonce_at = header_at + length;
        let header = bytes.get(header_at..nonce_at).ok_or_else(truncated)?;
        let AnyVersion { version } = serde_json::from_slice(header).map_err(|_| damaged())?;
        if version != VERSION {
            return Err(VaultError::Foreign(path.to_owned(), "was written by another version of valetkey"));
        }
        let header: Header = serde_json::from_slice(header).map_err(|_| damaged())?;
        let end = header.body.checked_add(nonce_at + NONCE_BYTES).ok_or_else(damaged)?;
        match bytes.len() {
            n if n < end => Err(truncated()),
            n if n > end => Err(damaged()),
            _ => Ok(Self { header, bytes, nonce_at }),
        }
    }

    /// What is inside. The buffer that held the sealed form is used for it and wiped in the end.
    pub(super) fn open(self, key: &Key, path: &Path) -> Result<(Header, Zeroizing<Vec<u8>>), VaultError> {
        let Self { header, mut bytes, nonce_at } = self;
        let mut body = Zeroizing::new(bytes.split_off(nonce_at + NONCE_BYTES));
        let nonce = XNonce::clone_from_slice(&bytes[nonce_at..]);
        XChaCha20Poly1305::new(key.as_slice().into())
            .decrypt_in_place(&nonce, &bytes[..nonce_at], &mut *body)
            .map_err(|_| VaultError::Damaged(path.to_owned()))?;
        Ok((header, body))
    }
}

const TAG_BYTES: usize = 16;

/// The bytes of a file that holds `plain`, which is overwritten by its sealed form.
pub(super) fn seal(
    header: &Header,
    key: &Key,
    nonce: &[u8; NONCE_BYTES],
    mut plain: Zeroizing<Vec<u8>>,
) -> Result<Vec<u8>, VaultError> {
    let failed = || VaultError::Failed("the secrets cannot be sealed".to_owned());
    let header = Header { body: plain.len() + TAG_BYTES, ..header.clone() };
    let header = serde_json::to_vec(&header).map_err(|_| failed())?;
    let length = u32::try_from(header.len()).map_err(|_| failed())?;
    let mut file = Vec::with_capacity(MAGIC.len() + 4 + header.len() + NONCE_BYTES + plain.len() + TAG_BYTES);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&header);
    let tag = XChaCha20Poly1305::new(key.as_slice().into())
        .encrypt_in_place_detached(XNonce::from_slice(nonce), &file, &mut plain)
        .map_err(|_| failed())?;
    file.extend_from_slice(nonce);
    file.extend_from_slice(&plain);
    file.extend_from_slice(&tag);
    Ok(file)
}

/// Bytes as lower-case hexadecimal digits.
pub(super) mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::sealed) fn of(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&of(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(from)?;
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let bytes: Vec<u8> =
            digits.unwrap_or_default().chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect();
        bytes.try_into().map_err(|_| D::Error::custom("32 hexadecimal digits are expected"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let header = Header::new([7; 16], Kdf::Argon2id { costs: Argon::default(), check: [9; 16] });
        seal(&header, &Zeroizing::new([1; 32]), &[2; 24], Zeroizing::new(plain.to_vec())).unwrap()
    }

    fn opened(bytes: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        let (_, plain) =
            Sealed::parse(bytes, Path::new("f"))?.open(&Zeroizing::new([1; 32]), Path::new("f"))?;
        Ok(plain.to_vec())
    }

    #[test]
    fn what_was_sealed_is_opened_and_cannot_be_read_in_the_file() {
        let file = sealed(b"refresh-token-1");
        assert!(!file.windows(7).any(|part| part == b"refresh"));
        assert_eq!(opened(file).unwrap(), b"refresh-token-1");
    }

    #[test]
    fn no_bit_can_be_changed() {
        let file = sealed(b"refresh-token-1");
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_shorter_file_is_cut_short_and_every_longer_one_damaged() {
        let file = sealed(b"refresh-token-1");
        for length in 0..file.len() {
            assert_eq!(opened(file[..length].to_vec()), Err(VaultError::Truncated("f".into())), "{length}");
        }
        assert_eq!(opened([&file[..], b"x"].concat()), Err(VaultError::Damaged("f".into())));
    }

    #[test]
    fn a_later_version_is_named_as_such() {
        let mut file = MAGIC.to_vec();
        let header = br#"{"version":2,"moon":"full"}"#;
        file.extend_from_slice(&[0, 0, 0, u8::try_from(header.len()).unwrap()]);
        file.extend_from_slice(header);
        assert!(
            matches!(opened(file), Err(VaultError::Foreign(_, what)) if what.contains("another version"))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(opened([&MAGIC[..], &bytes[..]].concat()).is_err());
            prop_assert!(opened(bytes).is_err());
        }

        #[test]
        fn any_content_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(opened(sealed(&plain)).unwrap(), plain);
        }
    }
}
