//! The emulator against real clients and Microsoft's documented answers.

mod client;
mod dotnet;
mod faults;
mod feeds;
mod gallery;
mod git;
mod hosts;
mod pats;
mod sign_in;
mod skip;
mod trusted;
mod violations;
