//! What the agent tells about itself. No field can hold a secret.

use serde::{Deserialize, Serialize};

use crate::{Refusal, TokenSource};

/// The agent's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusReport {
    /// The agent's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime: u64,
    /// Whether it is locked.
    pub locked: bool,
    /// Signed-in accounts.
    pub accounts: Vec<AccountStatus>,
    /// Keys that are held.
    pub keys: Vec<KeyStatus>,
    /// Where secrets rest.
    pub vault: VaultStatus,
    /// Where a policy made another kind of key necessary.
    pub detours: Vec<Detour>,
    /// Keys on the ledger that still have to be revoked.
    pub to_revoke: u32,
    /// Audit lines that could not be written.
    pub audit_lost: u64,
    /// One line for each thing that is not as it should be.
    pub warnings: Vec<String>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// User name.
    pub username: String,
    /// Home tenant.
    pub tenant: String,
    /// Client id it signed in through.
    pub client_id: String,
    /// Organisations keys may be minted for.
    pub organisations: Vec<String>,
    /// Those of them whose keys are of this account and not of another.
    #[serde(default)]
    pub used_for: Vec<String>,
    /// Who lends its access tokens, where this product did not sign in by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<TokenSource>,
    /// Its tokens are handed out, and no keys are made with them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lends: bool,
    /// State of its session.
    pub session: SessionState,
    /// Why the session is not ready, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Refusal>,
}

/// State of a session with the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SessionState {
    /// It can be refreshed, as far as is known.
    Ready,
    /// A sign-in is needed.
    Ended,
    /// The identity provider cannot be reached, or asked us to wait.
    Waiting,
    /// A state of a later version.
    #[serde(other)]
    Unknown,
}

/// One key, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyStatus {
    /// Short id.
    pub id: String,
    /// Account it belongs to.
    pub account: String,
    /// Organisation it is good for.
    pub organisation: String,
    /// Scope.
    pub scope: String,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// When it dies, in seconds since 1970.
    pub expires_at: u64,
    /// Times it was handed out.
    pub handed_out: u64,
    /// What it is called at the service.
    pub display_name: String,
    /// What kind of key it is.
    #[serde(default)]
    pub issuer: Issuer,
}

/// What kind of key is handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Issuer {
    /// A personal access token.
    #[default]
    Pat,
    /// A session token: short-lived, not listed, ends by itself.
    Session,
    /// An access token of Microsoft Entra: good for everything its application may do, ends by itself.
    Entra,
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pat => "personal access token",
            Self::Session => "session token",
            Self::Entra => "Entra token",
            Self::Unknown => "key of a later version",
        })
    }
}

/// Another kind of key than the usual one, because a policy refused that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// The organisation whose policy it is.
    pub organisation: String,
    /// Scope of the key that was refused.
    pub scope: String,
    /// What is handed out instead.
    pub issuer: Issuer,
    /// What the policy said: one line.
    pub sentence: String,
    /// Seconds until the usual kind is tried again.
    pub seconds: u64,
}

/// Where secrets rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VaultStatus {
    /// Which kind of place.
    pub tier: VaultTier,
    /// Whether it can be used.
    pub state: VaultState,
    /// One line, empty when all is well.
    pub sentence: String,
    /// What to do, empty when all is well.
    pub hint: String,
}

/// The kind of place secrets rest in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VaultTier {
    /// The operating system's keyring.
    #[default]
    Os,
    /// A sealed file.
    Sealed,
    /// Memory of the agent: gone when it ends.
    Memory,
    /// A tier of a later version.
    #[serde(other)]
    Unknown,
}

/// Whether the vault can be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VaultState {
    /// Not tried yet.
    #[default]
    Untried,
    /// Usable.
    Ready,
    /// Locked: it must be unlocked first.
    Locked,
    /// It does not answer.
    Hung,
    /// There is none.
    Absent,
    /// It failed in another way.
    Failed,
    /// A state of a later version.
    #[serde(other)]
    Unknown,
}

/// One line of the audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRecord {
    /// When, in RFC 3339, UTC.
    pub time: String,
    /// What: `minted`, `handed-out`, `refused`, `revoked`, `signed-in`, `signed-out`, `locked`, `unlocked`, …
    pub event: String,
    /// Account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Organisation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub organisation: String,
    /// Scope of the key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Short id of the key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Who asked: client kind, process id and program, as far as known. A hint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer: String,
    /// A refusal's reason, or another short note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}
