//! Microsoft's Artifacts credential provider.

use super::Flow;

/// Its flows.
pub const FLOWS: &[Flow] = &[];
