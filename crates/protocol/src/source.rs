//! Where access tokens come from where this product did not sign in by itself. Nothing here is a secret.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::secret::expose_on_the_wire;

/// Somebody else who is signed in and lends access tokens. There is no refresh token then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TokenSource {
    /// The Azure CLI of the person.
    AzureCli(AzureCli),
    /// This machine, by what its platform gives it.
    Machine(Machine),
    /// A source of a later version.
    #[serde(other)]
    Unknown,
}

/// An Azure CLI, as the person who signed in meant it: the agent has another environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureCli {
    /// Absolute path of `az`.
    pub program: String,
    /// `AZURE_CONFIG_DIR`, where set: which sign-ins it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_dir: Option<String>,
    /// `REQUESTS_CA_BUNDLE`, where set: which authorities it trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// An application or a managed identity that stands for this machine. What it proves itself with is read anew from a
/// file each time, or comes in a [`MachineProof`]; nothing here is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Machine {
    /// Workload identity federation: a token in a file (Kubernetes).
    FederatedFile {
        /// Client id of the application.
        client_id: String,
        /// Absolute path of the file.
        file: String,
    },
    /// A service principal with a secret in a file.
    SecretFile {
        /// Client id of the application.
        client_id: String,
        /// Absolute path of the file.
        file: String,
    },
    /// A service principal with a certificate and its private key, in PEM in a file.
    CertificateFile {
        /// Client id of the application.
        client_id: String,
        /// Absolute path of the file.
        file: String,
    },
    /// Workload identity federation: a job of GitHub Actions. Its proof is `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    Github {
        /// Client id of the application.
        client_id: String,
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: String,
    },
    /// Workload identity federation: a job of Azure Pipelines. Its proof is `SYSTEM_ACCESSTOKEN`.
    Pipelines {
        /// Client id of the application.
        client_id: String,
        /// `SYSTEM_OIDCREQUESTURI`.
        url: String,
        /// Id of the service connection.
        connection: String,
    },
    /// The managed identity of a virtual machine.
    Managed {
        /// Client id of the identity, where it is not the machine's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// `AZURE_POD_IDENTITY_AUTHORITY_HOST`: a stand-in for Azure's own address, on loopback.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// The managed identity of an app service. Its proof is `IDENTITY_HEADER`.
    AppService {
        /// Client id of the identity, where it is not the service's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// `IDENTITY_ENDPOINT`.
        endpoint: String,
    },
    /// The managed identity of a server elsewhere that Azure Arc connects.
    Arc {
        /// Client id of the identity, where it is not the server's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// `IDENTITY_ENDPOINT`.
        endpoint: String,
    },
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

impl Machine {
    /// Client id of the application, where it is known.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::FederatedFile { client_id, .. }
            | Self::SecretFile { client_id, .. }
            | Self::CertificateFile { client_id, .. }
            | Self::Github { client_id, .. }
            | Self::Pipelines { client_id, .. } => Some(client_id),
            Self::Managed { client_id, .. }
            | Self::AppService { client_id, .. }
            | Self::Arc { client_id, .. } => client_id.as_deref(),
            Self::Unknown => None,
        }
    }
}

/// What a machine's platform gave a job to ask for its identity with. The agent keeps it in memory only.
#[derive(Clone, Serialize, Deserialize)]
pub struct MachineProof {
    /// Whose it is.
    pub machine: Machine,
    /// The token or header.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub proof: SecretString,
}

impl fmt::Debug for MachineProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineProof").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FederatedFile { .. } => "the workload identity of this pod",
            Self::SecretFile { .. } | Self::CertificateFile { .. } => "a service principal",
            Self::Github { .. } => "the identity of this GitHub job",
            Self::Pipelines { .. } => "the service connection of this pipeline",
            Self::Managed { .. } => "the managed identity of this machine",
            Self::AppService { .. } => "the managed identity of this app service",
            Self::Arc { .. } => "the Azure Arc identity of this machine",
            Self::Unknown => "an identity of a later version",
        })
    }
}

impl fmt::Display for TokenSource {
    /// For people: a noun that goes after "through".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AzureCli(_) => f.write_str("the Azure CLI"),
            Self::Machine(machine) => machine.fmt(f),
            Self::Unknown => f.write_str("a source of a later version"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_a_later_version_is_unknown() {
        let later: TokenSource = serde_json::from_str(r#"{"kind":"carrier-pigeon","wings":2}"#).unwrap();
        assert_eq!(later, TokenSource::Unknown);
        let az: TokenSource =
            serde_json::from_str(r#"{"kind":"azure-cli","program":"/usr/bin/az","later":1}"#).unwrap();
        let wanted = AzureCli { program: "/usr/bin/az".to_owned(), config_dir: None, ca_bundle: None };
        assert_eq!(az, TokenSource::AzureCli(wanted));
    }

    #[test]
    fn a_proof_is_on_the_wire_and_nowhere_else() {
        let wire = r#"{"type":"machine-proof","machine":{"by":"managed"},"proof":"canary"}"#;
        let request: crate::Request = serde_json::from_str(wire).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), wire);
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
    }

    #[test]
    fn a_managed_identity_may_have_no_client_id() {
        assert_eq!(Machine::Managed { client_id: None, host: None }.client_id(), None);
        let named = Machine::SecretFile { client_id: "app".to_owned(), file: "/f".to_owned() };
        assert_eq!(named.client_id(), Some("app"));
    }
}
