//! `valetkey lock`.

use valetkey_protocol::{Answer, Request};

use super::report_revoked;
use crate::{
    agent::{Start, ask},
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

/// A started agent would hand out keys, so none running is no reason to leave it at that: it is started locked.
pub(super) fn run(revoke: bool, world: &mut World<'_>) -> Outcome {
    let answer = ask(world.agent, &Request::Lock { revoke }, Start::OnDemand)?;
    let revoked = match answer {
        Answer::Done => None,
        Answer::Revoked(revoked) => Some(revoked),
        other => return Err(Failure::unexpected(other)),
    };
    writeln!(world.out, "locked: no key is handed out until `valetkey unlock`")?;
    revoked.map_or(Ok(Exit::Done), |revoked| report_revoked(&revoked, world))
}
