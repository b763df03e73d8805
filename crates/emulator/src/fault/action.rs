//! What a fault does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One way for a request to go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Action {
    /// This status instead of an answer. 429 carries Azure DevOps' TF400733 body, other statuses a short page.
    Status {
        /// The status.
        status: u16,
        /// `Retry-After` as it stands: seconds or an HTTP date.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The sign-in page with 203, whatever was sent.
    SignInPage,
    /// 200 with an HTML page.
    Html,
    /// 302 to this address.
    Redirect {
        /// The address.
        to: String,
    },
    /// The connection ends without an answer, and nothing was done.
    Reset,
    /// A TCP reset instead of an answer, and nothing was done.
    TcpReset,
    /// The request is carried out, then the connection ends without an answer.
    ResetAfterCommit,
    /// No answer until the emulator stops.
    Hang,
    /// The request is carried out, then no answer until the emulator stops.
    HangAfterCommit,
    /// The request waits this long, then goes its way.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// The request waits for [`crate::Control::release`], then goes its way.
    Hold,
    /// The answer's body ends half-way, and so does the connection.
    Truncated,
    /// The answer under another `Content-Type`.
    ContentType {
        /// The type.
        value: String,
    },
    /// The answer compressed, whether or not that was asked for.
    Gzip,
    /// The answer after a UTF-8 byte order mark.
    Bom,
    /// 200 with a body of this many bytes.
    BigBody {
        /// Bytes.
        bytes: usize,
    },
    /// The answer in small pieces.
    SlowDrip {
        /// Milliseconds between two pieces of one byte.
        millis: u64,
    },
    /// The answer with this document merged into its JSON (RFC 7396): `null` takes a field away.
    Merge {
        /// The patch.
        patch: Value,
    },
    /// The answer with these headers, in place of those of the same names.
    Headers {
        /// Name and value.
        headers: Vec<(String, String)>,
    },
    /// A refusal of Microsoft Entra, by the name of its suberror or of the emulator's table.
    Entra {
        /// For example `bad_token`, `basic_action`, `message_only`.
        name: String,
        /// The `claims` field.
        #[serde(default)]
        claims: Option<String>,
    },
    /// 401 with a claims challenge.
    InsufficientClaims {
        /// The claims, as JSON.
        claims: String,
    },
    /// Azure DevOps' error object with this message, as a refused bearer gets it where the status is 401.
    Exception {
        /// The status.
        status: u16,
        /// For example `InvalidAccessException`.
        type_key: String,
        /// For example `TF400813: …`.
        message: String,
    },
    /// The same message in `X-TFS-ServiceError` and no body.
    ServiceError {
        /// The status.
        status: u16,
        /// The message.
        message: String,
    },
    /// The request goes its way without what it brings to prove who asks.
    Anonymous,
    /// 200 with this `patTokenError` and no token.
    PatError {
        /// The name.
        name: String,
    },
}

impl Action {
    /// [`Action::Status`] without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None }
    }

    /// [`Action::Status`] 429 with `Retry-After` in seconds.
    pub fn throttle(seconds: u32) -> Self {
        Self::Status { status: 429, retry_after: Some(seconds.to_string()) }
    }

    /// [`Action::Exception`] from less.
    pub fn exception(status: u16, type_key: &str, message: &str) -> Self {
        Self::Exception { status, type_key: type_key.to_owned(), message: message.to_owned() }
    }

    /// [`Action::ServiceError`] from less.
    pub fn service_error(status: u16, message: &str) -> Self {
        Self::ServiceError { status, message: message.to_owned() }
    }

    /// [`Action::Entra`] without claims.
    pub fn entra(name: &str) -> Self {
        Self::Entra { name: name.to_owned(), claims: None }
    }
}
