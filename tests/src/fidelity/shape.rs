//! What matters in an answer: its status, the headers that clients act upon, and which fields its body has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Headers of an answer that clients act upon.
const HEADERS: [&str; 8] = [
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-tfs-serviceerror",
    "x-vss-authorizationendpoint",
    "x-vss-resourcetenant",
    "x-vss-userdata",
];

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// Names in lower case, with values; a name may come more than once.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Every value in it that a later request may repeat, with a name for it: strings in JSON by their key, parameters
    /// of a redirect, hidden inputs of a page.
    #[must_use]
    pub fn values(&self) -> Vec<(String, String)> {
        let mut found = self.outside_json();
        if let Some(json) = self.json() {
            strings("value", &json, &mut found);
        }
        found
    }

    /// What of it a replay compares. `mask` puts names in the place of values that have one.
    #[must_use]
    pub fn shape(&self, mask: &dyn Fn(&str) -> String) -> Value {
        let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| HEADERS.contains(&name.as_str())) {
            let value = if name == "location" { without_values(value) } else { mask(value) };
            headers.entry(name).or_default().push(value);
        }
        let mut shape = json!({"status": self.status, "headers": headers});
        let brings: Map<_, _> = self
            .outside_json()
            .into_iter()
            .filter_map(|(name, value)| is_name(&mask(&value)).then(|| (name, json!(mask(&value)))))
            .collect();
        if !brings.is_empty() {
            shape["brings"] = Value::Object(brings);
        }
        match (self.json(), self.kind()) {
            (Some(body), _) => shape["body"] = fields(&body, mask),
            (None, kind) if kind.starts_with("text/html") => shape["body"] = json!("a page"),
            _ => {}
        }
        shape
    }

    /// The values of names in a recorded shape, read off this answer.
    #[must_use]
    pub fn bind(&self, recorded: &Value) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let outside: BTreeMap<_, _> = self.outside_json().into_iter().collect();
        for (name, place) in recorded["brings"].as_object().into_iter().flatten() {
            if let (Some(place), Some(value)) = (place.as_str(), outside.get(name)) {
                found.push((place.to_owned(), value.clone()));
            }
        }
        if let Some(body) = self.json() {
            bind(&recorded["body"], &body, &mut found);
        }
        found
    }

    fn kind(&self) -> &str {
        let kind = self.headers.iter().find(|(name, _)| name == "content-type");
        kind.map_or("", |(_, value)| value.as_str())
    }

    fn json(&self) -> Option<Value> {
        let body = self.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(self.body);
        self.kind().contains("json").then(|| serde_json::from_slice(body).ok()).flatten()
    }

    fn outside_json(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Some((_, location)) = self.headers.iter().find(|(name, _)| name == "location")
            && let Some((_, query)) = location.split_once(['?', '#'])
        {
            found.extend(super::mask::pairs(query));
        }
        if self.kind().starts_with("text/html") {
            let page = String::from_utf8_lossy(self.body);
            for input in page.split("<input type=\"hidden\" name=\"").skip(1) {
                let mut parts = input.split('"');
                if let (Some(name), Some(value)) = (parts.next(), parts.nth(1)) {
                    found.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        found
    }
}

/// Is this the place of a value, such as `{access_token}`?
pub(super) fn is_name(text: &str) -> bool {
    text.len() > 2 && text.starts_with('{') && text.ends_with('}') && !text.contains([' ', '"', ':'])
}

/// A redirect's address, of its parameters only the names.
fn without_values(location: &str) -> String {
    let Some((base, query)) = location.split_once('?') else { return location.to_owned() };
    let mut names: Vec<_> = super::mask::pairs(query).into_iter().map(|(name, _)| name).collect();
    names.sort();
    format!("{base}?{}", names.join("&"))
}

/// JSON with its keys, names and plain words kept, of other values only their kind.
fn fields(value: &Value, mask: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), fields(value, mask))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => {
            let mut kinds: Vec<Value> = Vec::new();
            for kind in list.iter().map(|value| fields(value, mask)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            kinds.into()
        }
        Value::String(text) if is_name(&mask(text)) => mask(text).into(),
        Value::String(text) if is_plain_word(text) => text.as_str().into(),
        Value::String(_) => "(text)".into(),
        Value::Number(_) => "(number)".into(),
        other => other.clone(),
    }
}

/// Names of errors, types and states, which programs compare with.
fn is_plain_word(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'.')
}

fn strings(key: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| strings(key, value, found)),
        Value::Array(list) => list.iter().for_each(|value| strings(key, value, found)),
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        _ => {}
    }
}

fn bind(recorded: &Value, actual: &Value, found: &mut Vec<(String, String)>) {
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => {
            for (key, value) in recorded {
                if let Some(actual) = actual.get(key) {
                    bind(value, actual, found);
                }
            }
        }
        (Value::Array(recorded), Value::Array(actual)) => {
            // Entries of one kind are recorded once, so their places say nothing.
            for recorded in recorded {
                if let Some(actual) = actual.iter().find(|actual| fits(recorded, actual)) {
                    bind(recorded, actual, found);
                }
            }
        }
        (Value::String(place), Value::String(value)) if is_name(place) => {
            found.push((place.clone(), value.clone()));
        }
        _ => {}
    }
}

/// May this value have been recorded so?
fn fits(recorded: &Value, actual: &Value) -> bool {
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => {
            recorded.iter().all(|(key, value)| actual.get(key).is_some_and(|actual| fits(value, actual)))
        }
        (Value::Array(_), Value::Array(_)) => true,
        (Value::String(kind), Value::Number(_)) => kind == "(number)",
        (Value::String(kind), Value::String(value)) => {
            is_name(kind) || kind == value || (kind == "(text)" && !is_plain_word(value))
        }
        _ => recorded == actual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_keeps_words_and_names_only() {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let body = br#"{"error":"slow_down","token":"s3cr3t-value","n":5,"list":[1,2],"text":"a b"}"#;
        let answer = Answer { status: 400, headers: &headers, body };
        let mask = |text: &str| text.replace("s3cr3t-value", "{token}");
        let shape = answer.shape(&mask);
        let expected = json!({"error": "slow_down", "token": "{token}", "n": "(number)", "list": ["(number)"], "text": "(text)"});
        assert_eq!(shape["body"], expected);
        assert_eq!(answer.bind(&shape), [("{token}".to_owned(), "s3cr3t-value".to_owned())]);
    }

    #[test]
    fn redirects_and_pages_bring_values() {
        let headers = [("location".to_owned(), "http://localhost:1/?code=abc&state=x".to_owned())];
        let answer = Answer { status: 302, headers: &headers, body: b"" };
        let shape = answer.shape(&|text| text.replace("abc", "{code}"));
        assert_eq!(shape["headers"]["location"], json!(["http://localhost:1/?code&state"]));
        assert_eq!(answer.bind(&shape), [("{code}".to_owned(), "abc".to_owned())]);
    }

    #[test]
    fn a_name_in_a_list_is_found_by_its_neighbours() {
        let body =
            br#"{"list":[{"id":"a/1","type":"A/1"},{"id":"b/2","type":"B/2"},{"id":"x-77","type":"Feed"}]}"#;
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let answer = Answer { status: 200, headers: &headers, body };
        let shape = answer.shape(&|text| text.replace("x-77", "{id}"));
        assert_eq!(answer.bind(&shape), [("{id}".to_owned(), "x-77".to_owned())]);
    }
}
