//! Names in the place of values that one side makes and the other repeats.

use std::fmt::Write as _;

use serde_json::Value;

/// Values with their names, longest value first, so that none hides in another.
#[derive(Debug, Default, Clone)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Gives a value the name `{key}`, or `{key-2}` and so on when that is taken.
    pub fn learn(&mut self, key: &str, value: &str) {
        if self.0.iter().any(|(known, _)| known == value) {
            return;
        }
        let taken = |name: &str| self.0.iter().any(|(_, known)| known == name);
        let mut name = format!("{{{key}}}");
        let mut number = 2;
        while taken(&name) {
            name = format!("{{{key}-{number}}}");
            number += 1;
        }
        self.set(&name, value);
    }

    /// Lets that name stand for this value from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(_, known)| known != name);
        self.0.push((value.to_owned(), name.to_owned()));
        self.0.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// The text with names for values.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value.as_str(), name))
    }

    /// The text with values for names.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (value, name)| text.replace(name.as_str(), value))
    }

    /// JSON with names for values.
    #[must_use]
    pub fn mask_all(&self, value: &Value) -> Value {
        mapped(value, &|text| self.mask(text))
    }

    /// JSON with values for names.
    #[must_use]
    pub fn fill_all(&self, value: &Value) -> Value {
        mapped(value, &|text| self.fill(text))
    }
}

fn mapped(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(list) => list.iter().map(|value| mapped(value, change)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), mapped(value, change)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// The pairs of a query or a form, decoded.
#[must_use]
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

/// Pairs as a query or a form.
#[must_use]
pub fn encoded(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let coded =
            more.get(..2).and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        match (first, coded) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            (byte, _) => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_names_and_back() {
        let mut names = Names::default();
        names.learn("token", "abcdefgh1");
        names.learn("token", "abcdefgh12");
        let text = "one abcdefgh1, two abcdefgh12";
        assert_eq!(names.mask(text), "one {token}, two {token-2}");
        assert_eq!(names.fill(&names.mask(text)), text);
    }

    #[test]
    fn forms_are_read_and_written() {
        let form = "a=1%2B2&b=x+y&c=";
        let read = pairs(form);
        assert_eq!(read[0], ("a".to_owned(), "1+2".to_owned()));
        assert_eq!(pairs(&encoded(&read)), read);
    }
}
