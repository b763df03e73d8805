//! The hand that moves over one header value.

use super::{Challenge, MOST};

/// Adds the challenges of one header value to those found before it.
pub(super) fn challenges(value: &str, found: &mut Vec<Challenge>) {
    let mut at = Scanner { rest: value };
    let mut current: Option<Challenge> = None;
    while at.next_item() {
        let Some(name) = at.token() else {
            at.skip_to_comma();
            continue;
        };
        if let Some(value) = at.assigned() {
            if let Some(challenge) = current.as_mut().filter(|c| c.params.len() < MOST) {
                challenge.params.push((name.to_ascii_lowercase(), value));
            }
            continue;
        }
        found.extend(current.take());
        if found.len() >= MOST {
            return;
        }
        let mut next = Challenge::new(name);
        next.token68 = at.token68().map(str::to_owned);
        current = Some(next);
    }
    found.extend(current);
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Moves to the next thing that is neither white space nor a comma.
    fn next_item(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
        !self.rest.is_empty()
    }

    fn skip_to_comma(&mut self) {
        self.rest = self.rest.find(',').map_or("", |at| &self.rest[at..]);
    }

    fn token(&mut self) -> Option<&'a str> {
        let (token, rest) = self.rest.split_at(length_of(self.rest, is_token));
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// The value after `=`, or nothing and no movement when no `=` follows.
    fn assigned(&mut self) -> Option<String> {
        let after = self.rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
        self.rest = after.trim_start_matches([' ', '\t']);
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return Some(self.quoted(quoted));
        }
        let (value, rest) = self.rest.split_at(self.rest.find([',', ' ', '\t']).unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(value.to_owned())
    }

    /// What stands before the closing quote; everything, when there is none.
    fn quoted(&mut self, inside: &'a str) -> String {
        let mut value = String::new();
        let mut chars = inside.char_indices();
        self.rest = "";
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &inside[at + 1..];
                    break;
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                _ => value.push(c),
            }
        }
        value
    }

    /// A bare value after the scheme, or nothing and no movement when parameters or the next challenge follow.
    fn token68(&mut self) -> Option<&'a str> {
        let start = self.rest.trim_start_matches(' ');
        let body = length_of(start, |b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        let end = body + length_of(&start[body..], |b| b == b'=');
        let after = start[end..].trim_start_matches([' ', '\t']);
        if body == 0 || start.len() == self.rest.len() || !(after.is_empty() || after.starts_with(',')) {
            return None;
        }
        self.rest = after;
        Some(&start[..end])
    }
}

/// Bytes at the start that belong to an ASCII class.
fn length_of(text: &str, class: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|b| !class(b)).unwrap_or(text.len())
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
