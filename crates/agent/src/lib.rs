//! The daemon: one per user, on a local socket.
//!
//! The way of a request: accept, peer's user id ([`authorise`]), limits, frame, [`Service`], answer.
//! What is secret is behind [`Service`]; this crate sees keys only as answers it passes on.

mod args;
mod audit;
mod authorise;
mod compose;
pub mod configuration;
mod connection;
mod control;
mod desk;
mod desktop;
mod detach;
mod fit;
mod harden;
mod instance;
mod limits;
mod log;
mod nuget;
mod registry;
mod rotating;
mod run;
mod server;
mod service;
mod terminal;
mod transport;
mod watch;
mod wire;

pub use args::main;
pub use audit::Audit;
pub use authorise::authorise;
pub use control::{Control, Phase};
pub use desk::Desk;
pub use harden::{harden, quiet_panics, raise_descriptors};
pub use instance::{Instance, InstanceError};
pub use limits::Limits;
pub use nuget::NugetDesk;
pub use server::{End, Ended, Server};
pub use service::{Peer, Rules, Service};
