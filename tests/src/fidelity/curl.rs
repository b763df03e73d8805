//! curl, as Microsoft's pages use it.

use super::Flow;

pub(super) const FLOWS: &[Flow] = &[];
