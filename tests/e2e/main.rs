//! The whole, as people use it: the shipped programs, real git, the emulator on the other side.

mod accounts;
mod azure_cli;
mod browser;
mod demo;
mod dependencies;
mod faults;
mod fidelity;
mod git;
mod hostile;
mod issuers;
mod keyring;
mod leaks;
mod lifecycle;
mod machines;
mod machines_sealed;
mod network;
mod nuget;
mod others;
mod pat;
mod pat_crash;
mod pat_table;
mod pat_terminal;
mod re_sign_in;
mod replay;
mod sealed_world;
mod switches;
