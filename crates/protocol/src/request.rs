//! What a client may ask.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    MachineProof, NugetOrgRequest, PatRequest, ProxyCredentials, TokenSource, secret::expose_on_the_wire,
};

/// A question to the agent. There is one in flight on a connection at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Request {
    /// Is anyone there? Answered with [`crate::Answer::Done`].
    Ping,
    /// A key for a program to use.
    Get(GetRequest),
    /// A hint that a key was refused. Never more than a hint: a redirect can provoke it.
    Erase(EraseRequest),
    /// Sign in. Answered with [`crate::Answer::Event`]s until it has ended.
    Login(LoginRequest),
    /// Sign out: revoke every key of the account, then forget the session.
    Logout(LogoutRequest),
    /// Which account the keys of an organisation are of. Answered with [`crate::Answer::SignedIn`].
    UseAccount(UseAccount),
    /// What the agent holds, without secrets.
    Status,
    /// Every live key, without its value.
    Keys,
    /// Revoke keys.
    Revoke {
        /// Which ones.
        which: KeySelector,
    },
    /// Stop handing out keys until unlocked.
    Lock {
        /// Revoke every key as well.
        revoke: bool,
    },
    /// Go on handing out keys.
    Unlock {
        /// The passphrase of the sealed file, where that is what secrets rest in.
        #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
        passphrase: Option<SecretString>,
    },
    /// The newest lines of the audit trail.
    Audit {
        /// How many.
        limit: u32,
    },
    /// Keys of nuget.org that the agent keeps.
    NugetOrg(NugetOrgRequest),
    /// Personal access tokens of the person.
    Pat(PatRequest),
    /// Credentials for the proxy, where it asks for some and its address has none. Kept in memory only.
    ProxyCredentials(ProxyCredentials),
    /// What the identity of this machine is asked for with, before a sign-in as a [`crate::Machine`].
    MachineProof(MachineProof),
    /// Read the configuration again. A bad one is refused and the old one kept.
    Reload,
    /// Answer what is in flight and end.
    Stop,
    /// A question of a later version.
    #[serde(other)]
    Unknown,
}

/// Which program asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClientKind {
    /// `git-credential-valetkey`.
    Git,
    /// `nuget-plugin-valetkey`.
    Nuget,
    /// `valetkey`.
    Cli,
    /// A client of a later version.
    #[serde(other)]
    Unknown,
}

/// What a key is to be used for. It can only narrow what policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// Fetch, clone, restore.
    Read,
    /// Push.
    Write,
    /// An operation of a later version; treated as [`Operation::Read`].
    #[serde(other)]
    Unknown,
}

/// Where the program wants to go, as it said it. The agent trusts none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `https`, if it is to be answered.
    pub protocol: String,
    /// Host and port as the program wrote them.
    pub host: String,
    /// Path, URL-decoded, without a leading slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// User name in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or("");
        write!(f, "{}://{}/{}", crate::shown(&self.protocol), crate::shown(&self.host), crate::shown(path))
    }
}

/// The process on whose behalf a helper asks. A hint for the audit trail and for counting tries, never a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Caller {
    /// Process id of the program that started the helper.
    pub pid: u32,
    /// Its start time in clock ticks since boot, so that a reused id is told apart; 0 where unknown.
    #[serde(default)]
    pub started: u64,
}

/// A question for a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetRequest {
    /// Where it is wanted.
    pub target: Target,
    /// What for, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// [`crate::Credential::state`] of the key that was just refused, where the program says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether the program can ask again within the same command (git 2.46 and later, NuGet).
    #[serde(default)]
    pub can_retry: bool,
    /// `WWW-Authenticate` values, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<String>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
}

/// A hint that a key did not work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EraseRequest {
    /// Where it was refused.
    pub target: Target,
    /// The value that was refused: it must be the one we gave.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub secret: SecretString,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Flow {
    /// Authorization code with PKCE in the system's browser.
    Browser,
    /// A code typed on another device (RFC 8628).
    DeviceCode,
    /// A flow of a later version.
    #[serde(other)]
    Unknown,
}

/// A wish to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginRequest {
    /// The organisation keys are wanted for; it becomes one of the allowed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Tenant id or domain, where it is not to be discovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Client id, where it is not the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Which way.
    pub flow: Flow,
    /// Sign in again even where a live session would serve.
    #[serde(default)]
    pub fresh: bool,
    /// User name of the account that is meant, where several may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Take access tokens from there instead of signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TokenSource>,
}

/// A wish to sign out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LogoutRequest {
    /// User name of the account; all of them where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A choice between accounts that may both use an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseAccount {
    /// The organisation.
    pub organisation: String,
    /// User name of the account.
    pub account: String,
}

/// Which keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeySelector {
    /// Every key this agent holds.
    All,
    /// The key with this id, as `valetkey keys list` shows it.
    Id {
        /// The id.
        id: String,
    },
    /// Every key of one organisation.
    Organisation {
        /// Its name.
        organisation: String,
    },
    /// A selector of a later version: selects nothing.
    #[serde(other)]
    Unknown,
}

#[expect(clippy::ref_option, reason = "serde's `serialize_with` passes the field by reference")]
fn expose_option<S: serde::Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => expose_on_the_wire(secret, to),
        None => to.serialize_none(),
    }
}
