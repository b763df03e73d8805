use std::path::{Path, PathBuf};

use valetkey_protocol::{Reason, Refusal};

/// Why a configuration is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The file is there and cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Somebody else could have written the file.
    #[error("{sentence}")]
    Untrusted {
        /// What is wrong with its owner or mode.
        sentence: String,
        /// How to put it right.
        hint: String,
    },
    /// The file is not TOML, or a value is of the wrong kind.
    #[error("`{path}` line {line}: {what}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// A key that is none of ours; a typing mistake that would otherwise weaken a rule silently.
    #[error("`{path}` line {line}: unknown key `{key}`")]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What may stand there.
        known: String,
    },
    /// A value that cannot be used.
    #[error("`{path}`: `{key}` {what}")]
    BadValue {
        /// Which file.
        path: PathBuf,
        /// Section and key.
        key: &'static str,
        /// What it has to be.
        what: String,
    },
}

impl ConfigurationError {
    /// The next step: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { path, .. } => {
                format!("make `{}` readable for you, or remove it", path.display())
            }
            Self::Untrusted { hint, .. } => hint.clone(),
            Self::UnknownKey { known, .. } => format!("known here: {known}"),
            Self::Malformed { path, .. } | Self::BadValue { path, .. } => {
                format!("correct `{}`, then run `valetkey agent restart`", path.display())
            }
        }
    }

    /// From the parser. Its rendering quotes the line, which may hold a proxy's password; only its message is used.
    pub(super) fn parsing(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.get(..start).map_or(1, |before| before.matches('\n').count() + 1);
        let path = path.to_owned();
        let message = error.message();
        if let Some((key, known)) = unknown_key(message) {
            return Self::UnknownKey { path, line, key, known };
        }
        let what = message.lines().next().unwrap_or_default().to_owned();
        Self::Malformed { path, line, what }
    }
}

impl From<ConfigurationError> for Refusal {
    fn from(error: ConfigurationError) -> Self {
        Self::new(Reason::Configuration, error.to_string(), error.hint())
    }
}

/// Serde's words: "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<(String, String)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split_once("expected ").map_or("", |(_, known)| known);
    Some((valetkey_protocol::shown(key), known.trim_start_matches("one of ").to_owned()))
}
