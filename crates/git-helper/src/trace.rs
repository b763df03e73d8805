//! `VALETKEY_TRACE=1`: the conversation on standard error, without its secrets.

use std::io::Write;

use valetkey_client::ClientError;
use valetkey_protocol::{Answer, shown};

/// Keys whose values are shown. Whatever else there is or will be may be a secret.
const SHOWN: [&str; 12] = [
    "protocol",
    "host",
    "path",
    "username",
    "password_expiry_utc",
    "wwwauth[]",
    "capability[]",
    "state[]",
    "continue",
    "quit",
    "ephemeral",
    "authtype",
];

pub(crate) struct Trace<'a, W> {
    on: bool,
    to: &'a mut W,
}

impl<'a, W: Write> Trace<'a, W> {
    pub(crate) fn new(on: bool, to: &'a mut W) -> Self {
        Self { on, to }
    }

    pub(crate) fn note(&mut self, text: &str) {
        if self.on {
            let _ = writeln!(self.to, "valetkey: trace: {}", shown(text));
        }
    }

    /// What git wrote.
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        self.lines("<", &String::from_utf8_lossy(bytes));
    }

    /// What git is answered.
    pub(crate) fn output(&mut self, text: &str) {
        self.lines(">", text);
    }

    /// What the agent said.
    pub(crate) fn answer(&mut self, answer: &Result<Answer, ClientError>) {
        if !self.on {
            return;
        }
        match answer {
            Ok(Answer::Credential(key)) => self.note(&format!(
                "the agent gave key {} for {} in {}, until {}{}",
                key.key,
                key.scope,
                key.organisation,
                key.expires_at,
                if key.fresh { ", just minted" } else { "" }
            )),
            Ok(Answer::Refused(refusal)) => {
                self.note(&format!("the agent refused ({:?}): {refusal}", refusal.reason));
            }
            Ok(Answer::Done) => self.note("the agent took it"),
            Ok(_) => self.note("the agent answered something else"),
            Err(error) => self.note(&format!("no answer: {error}")),
        }
    }

    fn lines(&mut self, mark: &str, text: &str) {
        if !self.on {
            return;
        }
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some((key, value)) if SHOWN.contains(&key) => self.note(&format!("{mark} {key}={value}")),
                Some((key, _)) => self.note(&format!("{mark} {key}=***")),
                None => self.note(&format!("{mark} ***")),
            }
        }
    }
}
