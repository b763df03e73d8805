//! What the tests put around a broker.

mod ground;
mod identity;
mod pats;
mod world;

pub(super) use ground::*;
pub(super) use identity::*;
pub(super) use pats::*;
pub(super) use world::*;
