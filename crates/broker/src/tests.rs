//! The broker against fakes: a service that mints, an identity provider, a vault, clocks that are set by hand.

mod crash;
mod fakes;
mod feeds;
mod healing;
mod issuers;
mod keeping;
mod lent;
mod pats;
mod session;
mod signing;
mod summons;
mod together;
mod warm;
