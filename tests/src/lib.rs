//! What the end-to-end tests share: a rig of emulator, sandbox and shipped programs, and honest skipping.

pub mod clients;
pub mod fidelity;
mod files;
pub mod matrix;
pub mod others;
pub mod proxy;
mod rig;
mod sealed;
mod skip;
mod webdriver;

pub use files::read_below;
pub use rig::{Rig, gits, programs};
pub use sealed::{cover, run_sealed, sealed_home};
pub use skip::{needs, skip, variable};
pub use valetkey_demo::{
    Dotnet, Ran, Sandbox, World, find_on_path, sign_in_with_device_code, user_code, write_project,
    write_sources,
};
pub use webdriver::Browser;
