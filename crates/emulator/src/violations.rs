//! Rules that hold over the whole run.

use crate::world::{Pat, World};

/// What clients did wrong so far; empty when all is well.
pub(crate) fn all(world: &World) -> Vec<String> {
    let mut violations = world.journal.violations.clone();
    if let Some(overlap) = world.journal.rules.overlap {
        violations.extend(overlaps(world, overlap));
    }
    violations
}

/// Two tokens that open the same doors, alive together for longer than a renewal takes.
fn overlaps(world: &World, allowed: i64) -> Vec<String> {
    let now = world.now();
    let minted: Vec<&Pat> = world.pats.iter().filter(|pat| !pat.by_control).collect();
    let mut found = Vec::new();
    for (index, older) in minted.iter().enumerate() {
        for newer in &minted[index + 1..] {
            let same = older.owner == newer.owner
                && older.organisation == newer.organisation
                && older.scopes == newer.scopes;
            let both_end = older.end().min(newer.end()).min(now);
            if same && both_end.seconds() - newer.created.seconds() > allowed {
                found.push(format!(
                    "two tokens of {} for {} with `{}` were alive together: `{}` and `{}`",
                    older.owner,
                    older.organisation,
                    older.scopes.join(" "),
                    older.display_name,
                    newer.display_name
                ));
            }
        }
    }
    found
}
