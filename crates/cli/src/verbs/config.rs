//! `valetkey config`.

use valetkey_protocol::Request;

use super::done;
use crate::{
    agent::{Start, Unreachable},
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

pub(super) fn reload(world: &mut World<'_>) -> Outcome {
    match done(&Request::Reload, Start::Never, world) {
        Ok(()) => writeln!(world.out, "the agent has read its configuration again")?,
        Err(Failure::Unreachable(Unreachable::NotRunning)) => {
            writeln!(world.out, "no agent is running: it reads its configuration when it starts")?;
        }
        Err(failure) => return Err(failure),
    }
    Ok(Exit::Done)
}
