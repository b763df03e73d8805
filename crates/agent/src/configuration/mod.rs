//! The configuration: a system file under a user file, TOML, every key with a default, unknown keys refused.

mod check;
mod error;
mod file;
mod keys;
mod live;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use url::Url;

pub use error::ConfigurationError;
pub use keys::{KEYS, Key, reference};
pub use live::{Live, Sources, Trust};

use file::File;

/// Everything that can be configured, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// `[entra]`
    pub entra: Entra,
    /// `[azure-devops]`
    pub azure_devops: AzureDevops,
    /// `[keys]`
    pub keys: Keys,
    /// `[issuers]`
    pub issuers: Issuers,
    /// `[nuget]`
    pub nuget: Nuget,
    /// `[network]`
    pub network: Network,
    /// `[vault]`
    pub vault: Vault,
    /// `[agent]`
    pub agent: Agent,
}

/// Where and as what to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entra {
    /// Application (client) id of the organisation's registration. None is built in.
    pub client_id: Option<String>,
    /// Tenant id, domain, or `organizations`.
    pub tenant: String,
    /// Base address of the identity provider.
    pub authority: Url,
}

/// Where Azure DevOps is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureDevops {
    /// Base address of the organisations; its host is served in addition to the built-in ones.
    pub dev: Url,
    /// Base address of Azure Artifacts; its host is served in addition to the built-in ones.
    pub pkgs: Url,
    /// Base address of the PAT Lifecycle Management API.
    pub pats: Url,
}

/// Where packages of other services are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nuget {
    /// Base address of nuget.org.
    pub nuget_org: Url,
}

/// What keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// How long a key lives.
    pub lifetime: Duration,
    /// Whether keys that can write are made at all.
    pub allow_write: bool,
    /// New keys an hour, at most.
    pub mints_per_hour: u32,
}

/// What is handed out where an organisation's policy refuses personal access tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuers {
    /// Whether session tokens are asked for.
    pub session_tokens: bool,
    /// Organisations that Entra tokens may be handed to, in lower case.
    pub entra_organisations: Vec<String>,
    /// Client id of the registration whose tokens may be handed out.
    pub entra_client_id: Option<String>,
}

/// How to reach the network. What is not named here is taken from the environment the agent was started in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Address of the proxy. It may hold a password.
    pub proxy: Option<String>,
    /// Hosts that are reached without it, in the form of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// PEM file of additional authorities.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { proxy, no_proxy, ca_file } = self;
        f.debug_struct("Network")
            .field("proxy", &proxy.as_ref().map(|_| "…"))
            .field("no_proxy", no_proxy)
            .field("ca_file", ca_file)
            .finish()
    }
}

/// Where secrets rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vault {
    /// The kind of place.
    pub store: Store,
    /// What opens the sealed file.
    pub sealed_key: SealedKey,
}

/// The kind of place secrets rest in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// The operating system's keyring.
    #[default]
    Os,
    /// A sealed file.
    Sealed,
    /// Memory of the agent: gone when it ends.
    Memory,
}

/// What opens the sealed file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealedKey {
    /// A key in the kernel's keyring: gone at reboot.
    #[default]
    Kernel,
    /// A passphrase, asked for by `valetkey unlock`.
    Passphrase,
}

/// The agent itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// How long without any connection until it ends; never where `None`.
    pub idle_exit: Option<Duration>,
    /// Whether root may connect to an agent that is not root's.
    pub allow_root: bool,
    /// Whether the person is notified on the desktop.
    pub notify: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Self::from(File::default())
    }
}
