//! An answer.

use std::fmt;

use bytes::Bytes;
use percent_encoding::percent_decode;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// What is shorter is no secret, and may stand in an answer by chance.
const SHORTEST: usize = 8;

/// An answer, with its whole body.
#[derive(Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`crate::MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Reply {
    /// The body read as JSON, whatever its content type says; a byte order mark is skipped.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }

    /// Whether a secret stands in the body or in a header, as it is, escaped in JSON, or percent-encoded.
    pub fn repeats(&self, secret: &str) -> bool {
        let in_header = |value: &HeaderValue| {
            contains(value.as_bytes(), secret)
                || contains(&percent_decode(value.as_bytes()).collect::<Vec<_>>(), secret)
        };
        secret.len() >= SHORTEST && (self.says(secret) || self.headers.values().any(in_header))
    }

    fn says(&self, secret: &str) -> bool {
        contains(&self.body, secret) || self.body.contains(&b'\\') && contains(&unescaped(&self.body), secret)
    }
}

/// Bodies carry tokens and headers carry cookies: neither is shown.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn contains(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
}

/// The bytes with every escape of JSON undone (RFC 8259 §7), whatever else they are. They may hold a new key, and no
/// copy of it is to stay behind.
fn unescaped(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [b'u', more @ ..]) => {
                let digits = more.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
                let character =
                    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                rest = more.get(4..).unwrap_or_default();
                plain.extend_from_slice(character.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]).as_bytes());
            }
            (b'\\', [escaped, more @ ..]) => {
                plain.push(*escaped);
                rest = more;
            }
            _ => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary/secret+1";

    fn reply(body: &str, header: &'static str) -> Reply {
        let headers = HeaderMap::from_iter([
            ("x-one".parse().unwrap(), HeaderValue::from_static(header)),
            ("x-two".parse().unwrap(), HeaderValue::from_static("kept")),
        ]);
        Reply { status: StatusCode::BAD_REQUEST, headers, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        for body in [
            "no canary/secret+1 here",
            r#"{"a":[{"b":"canary\/secret+1"}]}"#,
            r#"{"a":"c\u0061nary/secret+1"}"#,
            "\u{feff}{\"canary\\/secret+1\":0}",
            r#"{"half":"\ud83d","canary\/secret+1"#,
        ] {
            assert!(reply(body, "").repeats(SECRET), "{body}");
        }
        for odd in ["{", "\\", "\\u", "\\u00", "\\ud83d", "\\uzzzz", "\\\u{e4}"] {
            assert!(reply(&format!("{odd} canary/secret+1 {odd}"), "").repeats(SECRET), "{odd}");
            assert!(!reply(odd, "").repeats(SECRET), "{odd}");
        }
        for header in ["a canary/secret+1", "canary%2Fsecret%2b1", "%63anary/secret+1"] {
            assert!(reply("{}", header).repeats(SECRET), "{header}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        let reply = reply(r#"{"a":"canary/secret \\ 1"}"#, "canary");
        assert!(["", "canary", SECRET].iter().all(|secret| !reply.repeats(secret)));
    }
}
