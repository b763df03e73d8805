//! `valetkey audit`.

use valetkey_protocol::{Answer, AuditRecord, Request};

use crate::{
    agent::{Start, ask},
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    world::World,
};

pub(super) fn run(limit: u32, json: bool, world: &mut World<'_>) -> Outcome {
    let records = match ask(world.agent, &Request::Audit { limit }, Start::OnDemand)? {
        Answer::Audit { records } => records,
        other => return Err(Failure::unexpected(other)),
    };
    if json {
        for record in &records {
            serde_json::to_writer(&mut *world.out, record).map_err(std::io::Error::from)?;
            writeln!(world.out)?;
        }
    } else if records.is_empty() {
        writeln!(world.err, "the audit trail is empty")?;
    } else {
        let rows: Vec<_> = records.into_iter().map(row).collect();
        let heading = ["TIME", "EVENT", "ORGANISATION", "SCOPE", "KEY", "ACCOUNT", "ASKED BY", "NOTE"];
        table::write(world.out, heading, &rows)?;
    }
    Ok(Exit::Done)
}

fn row(record: AuditRecord) -> [String; 8] {
    let AuditRecord { time, event, account, organisation, scope, key, peer, note } = record;
    [time, event, organisation, scope, key, account, peer, note]
}
