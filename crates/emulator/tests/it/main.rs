//! The emulator against real clients and Microsoft's documented answers.

mod client;
mod faults;
mod feeds;
mod git;
mod hosts;
mod pats;
mod sign_in;
mod violations;
