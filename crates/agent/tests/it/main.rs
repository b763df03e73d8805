//! The agent's socket, from outside: a real server over a folder of its own, and a service that is a fake.

mod connections;
mod crowd;
mod docs;
mod end;
mod place;
mod process;
mod requests;
mod stranger;
mod support;
