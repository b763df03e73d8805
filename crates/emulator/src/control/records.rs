//! What tests read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{clock::Time, host::Host, journal::CredentialKind, world::Pat};

/// One request that arrived, without its secrets.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    /// Emulator time, seconds since the epoch.
    pub at: i64,
    /// The virtual host.
    pub host: Host,
    /// The `Host` header.
    pub authority: String,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// Headers but `Authorization` and `Cookie`; of repeated ones the last.
    pub headers: BTreeMap<String, String>,
    /// Bytes of the body; 0 for streamed pushes.
    pub body_bytes: usize,
    /// SHA-256 of the body, hex.
    pub body_sha256: String,
    /// What kind of credential it carried.
    pub credential: CredentialKind,
    /// The number of the nuget.org key in `X-NuGet-ApiKey`, or `other` for a text that is none.
    pub api_key: Option<String>,
    /// The first path segment on Azure DevOps hosts.
    pub organisation: Option<String>,
    /// `grant_type` of a token request.
    pub grant: Option<String>,
    /// The answer's status; `None` while it is not answered.
    pub status: Option<u16>,
    /// The fault that met it.
    pub fault: Option<String>,
}

/// One request and its answer, whole. For fixtures, whose writer masks the secrets.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Emulator time, seconds since the epoch.
    pub at: i64,
    /// The `Host` header.
    pub authority: String,
    /// The method.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// The request's headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The request's body; empty for streamed pushes.
    pub body: Vec<u8>,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers, in lower case.
    pub answer_headers: Vec<(String, String)>,
    /// The answer's body; empty for git's streams.
    pub answer_body: Vec<u8>,
}

/// One mail that Azure DevOps would have sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// Emulator time, seconds since the epoch.
    pub at: i64,
    /// The subject.
    pub subject: String,
    /// The token that it is about.
    pub authorization_id: String,
}

/// Where a token's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PatState {
    /// It opens doors.
    Live,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A personal access token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatView {
    /// Its identifier.
    pub authorization_id: String,
    /// Its name.
    pub display_name: String,
    /// Scopes, one space between.
    pub scope: String,
    /// The person.
    pub owner: String,
    /// The organisation.
    pub organisation: String,
    /// Seconds since the epoch.
    pub valid_from: i64,
    /// Seconds since the epoch.
    pub valid_to: i64,
    /// Live, expired or revoked.
    pub state: PatState,
    /// How many requests it opened.
    pub uses: u64,
}

impl PatView {
    pub(super) fn of(pat: &Pat, now: Time) -> Self {
        let state = if pat.is_revoked(now) {
            PatState::Revoked
        } else if pat.is_expired(now) {
            PatState::Expired
        } else {
            PatState::Live
        };
        Self {
            authorization_id: pat.authorization_id.clone(),
            display_name: pat.display_name.clone(),
            scope: pat.scopes.join(" "),
            owner: pat.owner.clone(),
            organisation: pat.organisation.clone(),
            valid_from: pat.valid_from.seconds(),
            valid_to: pat.valid_to.seconds(),
            state,
            uses: pat.uses,
        }
    }
}

/// A device code that waits for its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingDevice {
    /// The code that the person types.
    pub user_code: String,
    /// The application that asks.
    pub client_id: String,
}

/// What counts as a violation. `None` and `false` switch a rule off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// Seconds that a token may be asked for.
    pub longest_lifetime: Option<i64>,
    /// Seconds that two live tokens of one person, organisation and scope may overlap.
    pub overlap: Option<i64>,
    /// Requests to one route within a minute, on the login host and the PAT API.
    pub requests_per_minute: Option<usize>,
    /// A route that answered `Retry-After` is left alone so long.
    pub respect_retry_after: bool,
    /// Device codes are polled no faster than told.
    pub device_poll_interval: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            longest_lifetime: Some(24 * 3600 + 300),
            overlap: Some(600),
            requests_per_minute: Some(120),
            respect_retry_after: true,
            device_poll_interval: true,
        }
    }
}
