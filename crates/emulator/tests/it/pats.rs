//! pats
