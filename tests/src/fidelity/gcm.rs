//! Git Credential Manager.

use super::Flow;

pub(super) const FLOWS: &[Flow] = &[];
