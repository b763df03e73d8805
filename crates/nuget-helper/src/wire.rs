//! Messages of NuGet's plugin protocol, version 2 (Microsoft: "NuGet cross platform plugins").
//!
//! What comes in is read by a real JSON parser, since some clients escape what they need not. What goes out has
//! exactly the spellings and the order that every client was seen to take.

use serde_json::{Value, json};
use valetkey_protocol::{Credential, ExposeSecret as _};

/// The version this side speaks, and the only one.
const VERSION: &str = "2.0.0";

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A question.
    Request,
    /// The answer to one.
    Response,
    /// The answer takes longer.
    Progress,
    /// The answer is no longer wanted, or will not come.
    Cancel,
    /// The other side has given up. Never sent: NuGet shows its user a stack trace.
    Fault,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        [Self::Request, Self::Response, Self::Progress, Self::Cancel, Self::Fault]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Response => "Response",
            Self::Progress => "Progress",
            Self::Cancel => "Cancel",
            Self::Fault => "Fault",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the protocol")]
pub enum Method {
    Handshake,
    MonitorNuGetProcessExit,
    Initialize,
    GetOperationClaims,
    SetLogLevel,
    SetCredentials,
    GetAuthenticationCredentials,
    Log,
    Close,
    // What a plugin that also downloads packages is asked.
    CopyFilesInPackage,
    CopyNupkgFile,
    GetCredentials,
    GetFilesInPackage,
    GetPackageHash,
    GetPackageVersions,
    GetServiceIndex,
    PrefetchPackage,
}

impl Method {
    const ALL: [Self; 17] = [
        Self::Handshake,
        Self::MonitorNuGetProcessExit,
        Self::Initialize,
        Self::GetOperationClaims,
        Self::SetLogLevel,
        Self::SetCredentials,
        Self::GetAuthenticationCredentials,
        Self::Log,
        Self::Close,
        Self::CopyFilesInPackage,
        Self::CopyNupkgFile,
        Self::GetCredentials,
        Self::GetFilesInPackage,
        Self::GetPackageHash,
        Self::GetPackageVersions,
        Self::GetServiceIndex,
        Self::PrefetchPackage,
    ];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Handshake => "Handshake",
            Self::MonitorNuGetProcessExit => "MonitorNuGetProcessExit",
            Self::Initialize => "Initialize",
            Self::GetOperationClaims => "GetOperationClaims",
            Self::SetLogLevel => "SetLogLevel",
            Self::SetCredentials => "SetCredentials",
            Self::GetAuthenticationCredentials => "GetAuthenticationCredentials",
            Self::Log => "Log",
            Self::Close => "Close",
            Self::CopyFilesInPackage => "CopyFilesInPackage",
            Self::CopyNupkgFile => "CopyNupkgFile",
            Self::GetCredentials => "GetCredentials",
            Self::GetFilesInPackage => "GetFilesInPackage",
            Self::GetPackageHash => "GetPackageHash",
            Self::GetPackageVersions => "GetPackageVersions",
            Self::GetServiceIndex => "GetServiceIndex",
            Self::PrefetchPackage => "PrefetchPackage",
        }
    }
}

/// One message that is understood.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// Names the question on both sides.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// What is asked.
    pub method: Method,
    /// The rest: an object or null.
    pub payload: Value,
}

impl std::fmt::Debug for Message {
    /// Without the payload: the password of a proxy may be in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, kind, method, payload: _ } = self;
        f.debug_struct("Message")
            .field("id", id)
            .field("kind", kind)
            .field("method", method)
            .finish_non_exhaustive()
    }
}

/// The longest name of a question that is taken. NuGet's have 36 characters.
const MAX_ID: usize = 256;

impl Message {
    /// Reads one line. Whatever is not a message of this protocol is nothing.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let Value::Object(mut fields) = serde_json::from_str(&String::from_utf8_lossy(line)).ok()? else {
            return None;
        };
        let id =
            fields.get("RequestId")?.as_str().filter(|id| !id.is_empty() && id.len() <= MAX_ID)?.to_owned();
        let kind = Kind::of(fields.get("Type")?.as_str()?)?;
        let method = Method::of(fields.get("Method")?.as_str()?)?;
        let payload = fields.remove("Payload").unwrap_or_default();
        (payload.is_object() || payload.is_null()).then_some(Self { id, kind, method, payload })
    }

    /// A text of the payload.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.payload.get(name)?.as_str()
    }

    /// A truth of the payload; what is left out is false.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.payload.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// One line of ours, with its end. An id is quoted as JSON wants it; a payload is JSON already.
pub(crate) fn line(kind: Kind, method: Method, id: &str, payload: Option<&str>) -> String {
    let (id, kind, method) = (Value::from(id), kind.word(), method.word());
    let payload = payload.map(|payload| format!(",\"Payload\":{payload}")).unwrap_or_default();
    format!("{{\"RequestId\":{id},\"Type\":\"{kind}\",\"Method\":\"{method}\"{payload}}}\n")
}

/// Payloads of ours.
pub(crate) const SUCCESS: &str = r#"{"ResponseCode":"Success"}"#;
pub(crate) const ERROR: &str = r#"{"ResponseCode":"Error"}"#;
pub(crate) const NOT_FOUND: &str = r#"{"ResponseCode":"NotFound"}"#;
pub(crate) const CLAIMS: &str = r#"{"Claims":["Authentication"]}"#;
pub(crate) const NO_CLAIMS: &str = r#"{"Claims":[]}"#;
pub(crate) const HANDSHAKE: &str = r#"{"ProtocolVersion":"2.0.0","MinimumProtocolVersion":"2.0.0"}"#;

/// The answer to the client's handshake.
pub(crate) fn handshake(message: &Message) -> String {
    let version = |name| message.text(name).and_then(version);
    let mine = self::version(VERSION);
    let fits = version("ProtocolVersion") >= mine && version("MinimumProtocolVersion") <= mine;
    if fits {
        format!(r#"{{"ResponseCode":"Success","ProtocolVersion":"{VERSION}"}}"#)
    } else {
        ERROR.to_owned()
    }
}

/// Major, minor and patch.
fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

/// A key. `Basic` alone: with more words NuGet would offer it to other schemes.
pub(crate) fn credential(credential: &Credential) -> String {
    let (username, password) =
        (Value::from(&*credential.username), Value::from(credential.password.expose_secret()));
    format!(
        r#"{{"Username":{username},"Password":{password},"AuthenticationTypes":["Basic"],"ResponseCode":"Success"}}"#
    )
}

/// Something for the client to show.
pub(crate) fn log(level: Level, message: &str) -> String {
    json!({ "LogLevel": level.word(), "Message": message }).to_string()
}

/// How loud a line is. `Error` would be an error of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Minimal,
    Warning,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Minimal => "Minimal",
            Self::Warning => "Warning",
        }
    }
}

#[cfg(test)]
mod tests;
