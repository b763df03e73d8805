//! nuget.org on loopback: answers in its shapes, and everything that can come in their place.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod addresses;
mod emulated;
mod exchange;
mod hostile;
mod keys;
mod listing;
mod pipeline;
mod server;
mod verify;
