//! What git is answered.

use valetkey_client::ClientError;
use valetkey_protocol::{Credential, ExposeSecret as _, Refusal, is_clean, shown, shown_hint};

/// Marks our own `state[]` among those of other helpers.
pub(crate) const STATE_PREFIX: &str = "valetkey:";

/// The whole answer, written at once.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answering {
    /// Nothing: git asks its other helpers, then a person.
    pub(crate) fn silent() -> Self {
        Self { stdout: String::new(), stderr: String::new() }
    }

    /// What this helper understands beyond the first version of the protocol (git 2.46).
    pub(crate) fn capabilities() -> Self {
        Self { stdout: "version 0\ncapability state\n".to_owned(), stderr: String::new() }
    }

    pub(crate) fn version() -> Self {
        let stdout = format!("git-credential-valetkey {}\n", env!("CARGO_PKG_VERSION"));
        Self { stdout, stderr: String::new() }
    }

    /// Says what is wrong and what to do, and has git stop: Azure DevOps takes no password a person could type.
    pub(crate) fn stop(sentence: &str, hint: &str) -> Self {
        Self { stdout: "quit=1\n".to_owned(), stderr: line(sentence, hint) }
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        Self::stop(&refusal.sentence, &refusal.hint)
    }

    pub(crate) fn failed(error: &ClientError) -> Self {
        Self::stop(&error.sentence(), &error.hint())
    }

    /// A key, as user name and password: what every git understands. With `retry` git is asked to come back in the
    /// same command if the key is refused; a second answer must not ask that again, since git knows no bound while
    /// it sends a pack.
    pub(crate) fn credential(credential: &Credential, retry: bool) -> Self {
        let Credential { username, password, expires_at, state, notice, .. } = credential;
        let password = password.expose_secret();
        let can_be_said = |value: &str| !value.is_empty() && is_clean(value);
        if !can_be_said(username) || !can_be_said(password) || (retry && !can_be_said(state)) {
            return Self::failed(&ClientError::Garbled);
        }
        let mut stdout = String::new();
        if retry {
            stdout.push_str("capability[]=state\n");
        }
        stdout.push_str(&format_lines(&[("username", username), ("password", password)]));
        if *expires_at > 0 {
            stdout.push_str(&format_lines(&[("password_expiry_utc", &expires_at.to_string())]));
        }
        if retry {
            let state = format!("{STATE_PREFIX}{state}");
            stdout.push_str(&format_lines(&[("state[]", &state), ("continue", "1")]));
        }
        let stderr = notice.as_ref().map_or_else(String::new, |notice| line(&notice.sentence, &notice.hint));
        Self { stdout, stderr }
    }
}

/// What a person reads.
fn line(sentence: &str, hint: &str) -> String {
    let (sentence, hint) = (shown(sentence), shown_hint(hint));
    let line = if hint.is_empty() { sentence } else { format!("{sentence}; {hint}") };
    format!("valetkey: {line}\n")
}

fn format_lines(lines: &[(&str, &str)]) -> String {
    lines.iter().flat_map(|(key, value)| [key, "=", value, "\n"]).collect()
}
