//! `valetkey unlock`.

use valetkey_protocol::{Answer, Request, VaultState, VaultTier};

use super::done;
use crate::{
    agent::{Start, ask},
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

pub(super) fn run(world: &mut World<'_>) -> Outcome {
    let report = match ask(world.agent, &Request::Status, Start::OnDemand)? {
        Answer::Status(report) => report,
        other => return Err(Failure::unexpected(other)),
    };
    let sealed = report.vault.tier == VaultTier::Sealed && report.vault.state == VaultState::Locked;
    let passphrase = if sealed {
        let given = world.person.passphrase("Passphrase: ").map_err(|error| {
            Failure::failed(
                format!("the passphrase cannot be asked for: {error}"),
                "run `valetkey unlock` in a terminal",
            )
        })?;
        Some(given)
    } else {
        None
    };
    done(&Request::Unlock { passphrase }, Start::OnDemand, world)?;
    writeln!(world.out, "unlocked: keys are handed out again")?;
    Ok(Exit::Done)
}
