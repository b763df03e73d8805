//! What git says: `key=value` lines up to an empty line or the end.
//!
//! git passes text from URLs that others wrote (submodules, redirects). CVE-2020-5260, CVE-2020-11008 and
//! CVE-2024-52006 are what happens where a helper reads more into it than git wrote, so everything unusual is
//! rejected here instead of being repaired.

use std::io::{self, Read};

use valetkey_protocol::{MAX_LINE, SecretString, Service, Target, is_clean};

use crate::output::STATE_PREFIX;

/// The most that is read, in bytes.
const MAX_INPUT: usize = 64 * 1024;

/// A question that can mean one thing only.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) target: Target,
    pub(crate) password: Option<SecretString>,
    /// Whether git keeps `state[]` for a second question in the same command.
    pub(crate) keeps_state: bool,
    /// Our own state from the first answer: the key in it was refused.
    pub(crate) refused: Option<String>,
    pub(crate) challenges: Vec<String>,
}

/// Why nothing is answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("standard input cannot be read")]
    Unreadable,
    #[error("more than {MAX_INPUT} bytes")]
    TooLong,
    #[error("a line of more than {MAX_LINE} bytes")]
    LineTooLong,
    #[error("a line that is no UTF-8")]
    NotText,
    #[error("a line without a key")]
    NoKey,
    #[error("a control character in `{0}`")]
    Control(String),
    #[error("`{0}` twice")]
    Twice(&'static str),
    #[error("no `protocol`")]
    NoProtocol,
    #[error("a protocol other than https")]
    NotHttps,
    #[error("no `host`")]
    NoHost,
    #[error("a host that cannot be one")]
    BadHost,
}

impl Input {
    /// Whether the host is one of Azure DevOps by its name alone.
    pub(crate) fn is_built_in(&self) -> bool {
        Service::of(&self.target.host.to_ascii_lowercase()).is_some()
    }
}

/// Reads what git wrote, but no more than it may write.
pub(crate) fn read(stdin: impl Read) -> Result<Vec<u8>, Rejected> {
    let mut bytes = Vec::new();
    let limit = MAX_INPUT as u64 + 1;
    stdin.take(limit).read_to_end(&mut bytes).map_err(|_| Rejected::Unreadable)?;
    if bytes.len() > MAX_INPUT { Err(Rejected::TooLong) } else { Ok(bytes) }
}

/// Takes what git wrote off its hands.
pub(crate) fn drain(stdin: impl Read) {
    let _ = io::copy(&mut stdin.take(MAX_INPUT as u64), &mut io::sink());
}

#[derive(Default)]
struct Fields {
    protocol: Option<String>,
    host: Option<String>,
    path: Option<String>,
    username: Option<String>,
    password: Option<String>,
    challenges: Vec<String>,
    capabilities: Vec<String>,
    states: Vec<String>,
}

/// Understands the lines.
pub(crate) fn parse(bytes: &[u8]) -> Result<Input, Rejected> {
    let mut fields = Fields::default();
    for line in bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()) {
        fields.take(line)?;
    }
    fields.judge()
}

impl Fields {
    fn take(&mut self, line: &[u8]) -> Result<(), Rejected> {
        if line.len() > MAX_LINE {
            return Err(Rejected::LineTooLong);
        }
        let line = str::from_utf8(line).map_err(|_| Rejected::NotText)?;
        let (key, value) = line.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(Rejected::NoKey)?;
        if !is_clean(line) {
            return Err(Rejected::Control(valetkey_protocol::shown(key)));
        }
        match key {
            "protocol" => once(&mut self.protocol, "protocol", value),
            "host" => once(&mut self.host, "host", value),
            "path" => once(&mut self.path, "path", value),
            "username" => once(&mut self.username, "username", value),
            "password" => once(&mut self.password, "password", value),
            "wwwauth[]" => many(&mut self.challenges, value),
            "capability[]" => many(&mut self.capabilities, value),
            "state[]" => many(&mut self.states, value),
            // Attributes of other helpers and later versions of git.
            _ => Ok(()),
        }
    }

    fn judge(self) -> Result<Input, Rejected> {
        let protocol = self.protocol.ok_or(Rejected::NoProtocol)?;
        if protocol != "https" {
            return Err(Rejected::NotHttps);
        }
        let host = self.host.filter(|host| !host.is_empty()).ok_or(Rejected::NoHost)?;
        if !host.bytes().all(is_host_byte) {
            return Err(Rejected::BadHost);
        }
        let given = |value: &String| !value.is_empty();
        Ok(Input {
            target: Target {
                protocol,
                host,
                path: self.path.filter(given),
                username: self.username.filter(given),
            },
            password: self.password.filter(given).map(SecretString::from),
            keeps_state: self.capabilities.iter().any(|capability| capability == "state"),
            refused: self.states.iter().find_map(|state| Some(state.strip_prefix(STATE_PREFIX)?.to_owned())),
            challenges: self.challenges,
        })
    }
}

/// A value that comes once is stored; twice, nobody can know which one git means.
fn once(field: &mut Option<String>, key: &'static str, value: &str) -> Result<(), Rejected> {
    match field.replace(value.to_owned()) {
        Some(_) => Err(Rejected::Twice(key)),
        None => Ok(()),
    }
}

/// An empty value empties the list (git-credential, "INPUT/OUTPUT FORMAT").
#[expect(clippy::unnecessary_wraps, reason = "an arm among arms that can fail")]
fn many(list: &mut Vec<String>, value: &str) -> Result<(), Rejected> {
    if value.is_empty() {
        list.clear();
    } else {
        list.push(value.to_owned());
    }
    Ok(())
}

/// Bytes of a name, an address and a port; git passes others raw.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}
