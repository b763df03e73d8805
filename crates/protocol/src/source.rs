//! Where access tokens come from where this product did not sign in by itself. Nothing here is a secret.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// An application that stands for this machine. Its proof is read anew from a file each time.
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
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FederatedFile { .. } => "the workload identity of this pod",
            Self::SecretFile { .. } => "a service principal",
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
}
