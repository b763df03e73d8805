//! Machines that are not people: what their platforms give them, and what they prove themselves with.

mod arc;
mod certificate;
mod federated;
mod managed;

pub(crate) use certificate::assertion;
pub use federated::{github_token, pipelines_token};
pub use managed::Managed;
