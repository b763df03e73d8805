//! `valetkey doctor`.

use std::io;

use crate::{
    doctor::{Finding, examine},
    exit::Exit,
    failure::Outcome,
    style,
    world::World,
};

pub(super) fn run(json: bool, world: &mut World<'_>) -> Outcome {
    let findings = examine(world);
    if json {
        let list: Vec<_> = findings.iter().map(Finding::to_json).collect();
        serde_json::to_writer_pretty(&mut *world.out, &list).map_err(io::Error::from)?;
        writeln!(world.out)?;
    } else if findings.is_empty() {
        writeln!(world.out, "nothing is wrong")?;
    } else {
        let warning = style::WARNING;
        for finding in &findings {
            let Finding { check, sentence, next } = finding;
            writeln!(world.out, "{warning}{check}:{warning:#} {sentence}; next: {next}")?;
        }
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Refused })
}
