//! What the agent answers.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    AuditRecord, Issuer, KeyStatus, NugetChecked, NugetKey, NugetKeyStatus, NugetRefresh, PatMade,
    PatSettled, PatStatus, PatValue, Pats, Refusal, StatusReport, secret::expose_on_the_wire,
};

/// The answer to a [`crate::Request`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Answer {
    /// It is done.
    Done,
    /// A key.
    Credential(Credential),
    /// Not served, and why.
    Refused(Refusal),
    /// Something to show while signing in; more answers follow on the same question.
    Event(Event),
    /// Signed in.
    SignedIn {
        /// User name of the account.
        account: String,
        /// Tenant that answered.
        tenant: String,
        /// Organisations keys may be minted for.
        organisations: Vec<String>,
        /// Whether a live session served and nobody was asked anything.
        silent: bool,
    },
    /// State of the agent.
    Status(Box<StatusReport>),
    /// Live keys.
    Keys {
        /// One entry a key.
        keys: Vec<KeyStatus>,
    },
    /// Keys were revoked.
    Revoked(Revoked),
    /// Lines of the audit trail, oldest first.
    Audit {
        /// The lines.
        records: Vec<AuditRecord>,
    },
    /// Keys of nuget.org, without their values.
    NugetKeys {
        /// One entry a key.
        keys: Vec<NugetKeyStatus>,
    },
    /// A key of nuget.org.
    NugetKey(NugetKey),
    /// What nuget.org says of a key.
    NugetChecked(NugetChecked),
    /// What a person has to do to refresh a key.
    NugetRefresh(NugetRefresh),
    /// Personal access tokens, without their values.
    Pats(Pats),
    /// A personal access token, without its value.
    Pat(PatStatus),
    /// A personal access token was made.
    PatMade(PatMade),
    /// A personal access token with its value.
    PatValue(PatValue),
    /// What was done once a value had reached its place, or had not.
    PatSettled(PatSettled),
    /// An answer of a later version.
    #[serde(other)]
    Unknown,
}

/// A key, and what a helper may say about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credential {
    /// User name for HTTP Basic. Azure DevOps ignores it, clients want one.
    pub username: String,
    /// The key.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub password: SecretString,
    /// When it dies, in seconds since 1970.
    pub expires_at: u64,
    /// Id of the key as `valetkey keys list` shows it.
    pub key: String,
    /// Scope of the key, for example `vso.code`.
    pub scope: String,
    /// Organisation it is good for.
    pub organisation: String,
    /// What to send back in [`crate::GetRequest::refused`] if the key is refused.
    pub state: String,
    /// Whether the program may ask again in the same command. Given once per calling process: git knows no bound.
    #[serde(default)]
    pub may_retry: bool,
    /// Whether it was minted for this very question.
    #[serde(default)]
    pub fresh: bool,
    /// Something to tell the person although the key is good: the session behind it needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Refusal>,
}

/// Something for a person to see while signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// Open this address in the browser.
    Browser {
        /// The address.
        url: String,
    },
    /// Type this code there.
    DeviceCode {
        /// The code.
        user_code: String,
        /// The page.
        verification_uri: String,
        /// Seconds until the code is void.
        expires_in: u64,
    },
    /// What is being done.
    Progress {
        /// One line.
        sentence: String,
    },
    /// An event of a later version: ignore it.
    #[serde(other)]
    Unknown,
}

/// How revoking went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Keys that are dead now.
    pub revoked: u32,
    /// Keys that could not be revoked yet; they stay on the ledger and are tried again.
    pub pending: u32,
    /// Why the pending ones are pending: one line.
    #[serde(default)]
    pub sentence: String,
    /// Keys that were asked for with no answer seen, and that the service does not list: most likely none was made.
    /// They are looked for some minutes longer, and revoked where they turn up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sought: u32,
    /// Keys of a kind that nobody can revoke. They are handed out no more, and end by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ending: Vec<EndingKey>,
    /// One sentence for each token of the person that was being put in another's place: both live on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// A key that is good until its end, whatever anybody does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingKey {
    /// What kind it is.
    pub issuer: Issuer,
    /// Organisation it is good for.
    pub organisation: String,
    /// When it dies, in seconds since 1970.
    pub expires_at: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
