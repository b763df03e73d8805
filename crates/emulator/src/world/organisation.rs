//! Organisations and the policies that their owners set.

use serde::{Deserialize, Serialize};

/// An Azure DevOps organisation.
#[derive(Debug, Clone)]
pub(crate) struct Organisation {
    pub(crate) name: String,
    /// All zeros: the organisation belongs to Microsoft accounts.
    pub(crate) tenant: String,
    pub(crate) instance_id: String,
    pub(crate) members: Vec<String>,
    pub(crate) policy: Policy,
    /// Branches that take no direct push, with everything below them.
    pub(crate) protected_branches: Vec<String>,
}

impl Organisation {
    pub(crate) fn has_member(&self, user: &str) -> bool {
        self.members.iter().any(|member| member == user)
    }

    pub(crate) fn protects(&self, reference: &str) -> bool {
        self.protected_branches.iter().any(|branch| {
            reference
                .strip_prefix(branch.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Which tokens may not be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Restriction {
    All,
    AllButPackaging,
}

/// Policies on personal access tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Policy {
    pub(crate) restrict_creation: Option<Restriction>,
    /// People whom no policy binds.
    pub(crate) exempt: Vec<String>,
    pub(crate) max_lifespan_days: Option<i64>,
    pub(crate) no_full_scope: bool,
    pub(crate) no_global: bool,
}
