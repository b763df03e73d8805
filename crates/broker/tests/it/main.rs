//! The broker over the real clients of Microsoft Entra and Azure DevOps, against the emulator.

mod feeds;
mod job;
mod place;
mod trouble;
