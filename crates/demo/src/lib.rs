//! The main job end to end on the emulator, and the sandbox that it and the end-to-end tests run in.
//!
//! Everything here drives the shipped programs as processes; nothing of the product is linked in.

mod bench;
mod cli;
mod console;
mod dotnet;
mod interrupt;
mod job;
mod sandbox;
mod sign_in;
mod summary;

pub use cli::main;
pub use dotnet::{Dotnet, write_project, write_sources};
pub use sandbox::{Ran, Sandbox, World, find_on_path};
pub use sign_in::{sign_in_with_device_code, user_code};
