//! `valetkey keys`.

use valetkey_protocol::{Answer, KeySelector, KeyStatus, Request};

use super::report_revoked;
use crate::{
    agent::{Start, ask},
    args::Revoke,
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    world::World,
};

pub(super) fn list(json: bool, world: &mut World<'_>) -> Outcome {
    let keys = match ask(world.agent, &Request::Keys, Start::OnDemand)? {
        Answer::Keys { keys } => keys,
        other => return Err(Failure::unexpected(other)),
    };
    if json {
        serde_json::to_writer_pretty(&mut *world.out, &keys).map_err(std::io::Error::from)?;
        writeln!(world.out)?;
    } else if keys.is_empty() {
        writeln!(world.err, "no key is alive")?;
    } else {
        show(&keys, world)?;
    }
    Ok(Exit::Done)
}

/// The table of keys, without their values.
pub(super) fn show(keys: &[KeyStatus], world: &mut World<'_>) -> std::io::Result<()> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.id.clone(),
                key.organisation.clone(),
                key.scope.clone(),
                duration::left(key.expires_at, world.place.now),
                key.handed_out.to_string(),
                key.account.clone(),
            ]
        })
        .collect();
    table::write(world.out, ["ID", "ORGANISATION", "SCOPE", "LIVES FOR", "USED", "ACCOUNT"], &rows)
}

pub(super) fn revoke(args: Revoke, world: &mut World<'_>) -> Outcome {
    let by_id = args.id.is_some();
    let which = match (args.id, args.org) {
        (Some(id), _) => KeySelector::Id { id },
        (None, Some(organisation)) => KeySelector::Organisation { organisation },
        (None, None) => KeySelector::All,
    };
    let revoked = match ask(world.agent, &Request::Revoke { which }, Start::OnDemand)? {
        Answer::Revoked(revoked) => revoked,
        other => return Err(Failure::unexpected(other)),
    };
    if by_id && revoked.revoked + revoked.pending + revoked.sought == 0 && revoked.ending.is_empty() {
        return Err(Failure::failed("there is no key with this id", "`valetkey keys list` shows the ids"));
    }
    report_revoked(&revoked, world)
}
