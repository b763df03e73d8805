//! An answer.

use std::fmt;

use bytes::Bytes;
use percent_encoding::percent_decode;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

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

    /// Forgets what repeats a secret that was in the question: the body, and each such header. What a service says is
    /// shown to people and written into logs, and a secret must come into neither, whoever sends it there. Tells
    /// whether there was anything to forget.
    pub fn forget(&mut self, secret: &str) -> bool {
        if secret.len() < SHORTEST {
            return false;
        }
        let said = self.says(secret);
        if said {
            self.body = Bytes::new();
        }
        let repeats = |value: &HeaderValue| {
            contains(value.as_bytes(), secret)
                || contains(&percent_decode(value.as_bytes()).collect::<Vec<_>>(), secret)
        };
        let names: Vec<_> =
            self.headers.iter().filter(|(_, value)| repeats(value)).map(|(name, _)| name.clone()).collect();
        for name in &names {
            self.headers.remove(name);
        }
        said || !names.is_empty()
    }

    fn says(&self, secret: &str) -> bool {
        contains(&self.body, secret)
            || self.body.contains(&b'\\') && self.json().is_some_and(|body: Value| within(&body, secret))
    }
}

fn contains(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret.as_bytes())
}

/// Whether a text or a name somewhere in a document has the secret in it. `serde_json` bounds how deep it can be.
fn within(document: &Value, secret: &str) -> bool {
    match document {
        Value::String(text) => text.contains(secret),
        Value::Array(items) => items.iter().any(|item| within(item, secret)),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains(secret) || within(value, secret))
        }
        _ => false,
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
    fn what_repeats_the_secret_is_forgotten() {
        for body in [
            "no canary/secret+1 here",
            r#"{"a":[{"b":"canary\/secret+1"}]}"#,
            r#"{"a":"c\u0061nary/secret+1"}"#,
            "\u{feff}{\"canary\\/secret+1\":0}",
        ] {
            let mut reply = reply(body, "");
            assert!(reply.forget(SECRET));
            assert!(reply.body.is_empty() && reply.headers.len() == 2, "{body}");
        }
        for header in ["a canary/secret+1", "canary%2Fsecret%2b1", "%63anary/secret+1"] {
            let mut reply = reply("{}", header);
            assert!(reply.forget(SECRET));
            assert_eq!((reply.headers.len(), reply.body.len()), (1, 2), "{header}");
        }
    }

    #[test]
    fn everything_else_stays() {
        let mut reply = reply(r#"{"a":"canary/secret \\ 1"}"#, "canary");
        let before = (reply.body.clone(), reply.headers.clone());
        assert!(["", "canary", SECRET].iter().all(|secret| !reply.forget(secret)));
        assert_eq!((reply.body, reply.headers), before);
    }
}
