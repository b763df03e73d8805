//! Azure DevOps on loopback: answers in Microsoft's shapes, and everything that can come in their place.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod answers;
mod broken;
mod connection;
mod create;
mod discover;
mod hostile;
mod list;
mod refusals;
mod revoke;
mod server;
