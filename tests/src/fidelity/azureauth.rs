//! azureauth, which Microsoft ships for its own engineers.

use super::Flow;

/// Its flows.
pub const FLOWS: &[Flow] = &[];
