//! Where Valetkey's files live, which environment variables it reads, and which places it trusts.
//!
//! Every program of the product finds the others through [`Paths`], so the rules are written once. Nothing here
//! creates a file; [`trust::ensure_private_dir`] creates folders that only their owner can look into.

pub mod env;
mod error;
mod places;
pub mod trust;

pub use error::PathError;
pub use places::Paths;
