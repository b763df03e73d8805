//! What may stand in a file: the wire side of [`Configuration`]. Every value optional, so that files can be laid over
//! each other.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use url::Url;

use super::{
    Agent, AzureDevops, Configuration, Entra, Issuers, Keys, Network, Nuget, SealedKey, Store, Vault,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    pub(super) entra: EntraFile,
    pub(super) azure_devops: AzureDevopsFile,
    pub(super) keys: KeysFile,
    pub(super) issuers: IssuersFile,
    pub(super) nuget: NugetFile,
    pub(super) network: NetworkFile,
    pub(super) vault: VaultFile,
    pub(super) agent: AgentFile,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct EntraFile {
    pub(super) client_id: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) authority: Option<Url>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct AzureDevopsFile {
    pub(super) dev: Option<Url>,
    pub(super) pkgs: Option<Url>,
    pub(super) pats: Option<Url>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct NugetFile {
    pub(super) nuget_org: Option<Url>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct KeysFile {
    pub(super) lifetime_hours: Option<u32>,
    pub(super) allow_write: Option<bool>,
    pub(super) mints_per_hour: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct IssuersFile {
    pub(super) session_tokens: Option<bool>,
    pub(super) entra_organisations: Option<Vec<String>>,
    pub(super) entra_client_id: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct NetworkFile {
    pub(super) proxy: Option<String>,
    pub(super) no_proxy: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for NetworkFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NetworkFile")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct VaultFile {
    pub(super) store: Option<Store>,
    pub(super) sealed_key: Option<SealedKey>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct AgentFile {
    pub(super) idle_exit_minutes: Option<u32>,
    pub(super) allow_root: Option<bool>,
    pub(super) notify: Option<bool>,
}

/// Laying one file over another, value by value.
pub(super) trait Combine {
    /// What `self` says, and what `under` says where `self` is silent.
    #[must_use]
    fn over(self, under: Self) -> Self;
}

macro_rules! combine {
    ($($file:ident { $($key:ident),+ })+) => {$(
        impl Combine for $file {
            fn over(self, under: Self) -> Self {
                let Self { $($key),+ } = self;
                Self { $($key: $key.over(under.$key)),+ }
            }
        }
    )+};
}

impl<T> Combine for Option<T> {
    fn over(self, under: Self) -> Self {
        self.or(under)
    }
}

combine! {
    File { entra, azure_devops, keys, issuers, nuget, network, vault, agent }
    EntraFile { client_id, tenant, authority }
    AzureDevopsFile { dev, pkgs, pats }
    NugetFile { nuget_org }
    KeysFile { lifetime_hours, allow_write, mints_per_hour }
    IssuersFile { session_tokens, entra_organisations, entra_client_id }
    NetworkFile { proxy, no_proxy, ca_file }
    VaultFile { store, sealed_key }
    AgentFile { idle_exit_minutes, allow_root, notify }
}

fn url(text: &str) -> Url {
    text.parse().expect("a constant")
}

impl From<File> for Configuration {
    fn from(file: File) -> Self {
        let File { entra, azure_devops, keys, issuers, nuget, network, vault, agent } = file;
        let minutes = agent.idle_exit_minutes.unwrap_or(480);
        Self {
            entra: Entra {
                client_id: entra.client_id,
                tenant: entra.tenant.unwrap_or_else(|| "organizations".to_owned()),
                authority: entra.authority.unwrap_or_else(|| url("https://login.microsoftonline.com")),
            },
            azure_devops: AzureDevops {
                dev: azure_devops.dev.unwrap_or_else(|| url("https://dev.azure.com")),
                pkgs: azure_devops.pkgs.unwrap_or_else(|| url("https://pkgs.dev.azure.com")),
                pats: azure_devops.pats.unwrap_or_else(|| url("https://vssps.dev.azure.com")),
            },
            keys: Keys {
                lifetime: Duration::from_secs(3600 * u64::from(keys.lifetime_hours.unwrap_or(8))),
                allow_write: keys.allow_write.unwrap_or(true),
                mints_per_hour: keys.mints_per_hour.unwrap_or(60),
            },
            issuers: Issuers {
                session_tokens: issuers.session_tokens.unwrap_or(true),
                entra_organisations: issuers
                    .entra_organisations
                    .unwrap_or_default()
                    .iter()
                    .map(|name| name.to_ascii_lowercase())
                    .collect(),
                entra_client_id: issuers.entra_client_id,
            },
            nuget: Nuget { nuget_org: nuget.nuget_org.unwrap_or_else(|| url("https://www.nuget.org")) },
            network: Network { proxy: network.proxy, no_proxy: network.no_proxy, ca_file: network.ca_file },
            vault: Vault {
                store: vault.store.unwrap_or_default(),
                sealed_key: vault.sealed_key.unwrap_or_default(),
            },
            agent: Agent {
                idle_exit: (minutes > 0).then(|| Duration::from_secs(60 * u64::from(minutes))),
                allow_root: agent.allow_root.unwrap_or(false),
                notify: agent.notify.unwrap_or(true),
            },
        }
    }
}
