//! MSAL for Python.

use super::Flow;

/// Its flows.
pub const FLOWS: &[Flow] = &[];
