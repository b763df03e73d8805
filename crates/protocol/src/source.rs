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

impl fmt::Display for TokenSource {
    /// For people: a noun that goes after "through".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AzureCli(_) => f.write_str("the Azure CLI"),
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
