//! The vault over real parts: gnome-keyring on a bus of its own, the kernel's keyring, real disks, killed processes.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy knows only functions marked as tests for such"
)]

mod disk;
mod kernel;
mod keyring;
mod probe;
mod session;
mod skip;
