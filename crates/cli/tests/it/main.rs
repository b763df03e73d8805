//! What a person and a script see: exit code and both streams, against an agent that answers by a script.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod audit;
mod config;
#[cfg(unix)]
mod doctor;
mod exec;
mod harness;
mod help;
mod keys;
mod lock;
mod login;
mod logout;
mod nuget_keys;
#[cfg(unix)]
mod nuget_push;
mod pat;
#[cfg(unix)]
mod process;
mod refusals;
mod setup_entra;
mod setup_git;
#[cfg(unix)]
mod setup_nuget;
mod status;
mod streams;
#[cfg(unix)]
mod trusted;
mod usage;
