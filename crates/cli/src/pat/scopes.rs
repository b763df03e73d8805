//! What a token may do, held against the table of Azure DevOps.

use valetkey_protocol::shown;
use valetkey_scopes as scope;

use crate::{
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    verbs::{hint, warning},
    world::World,
};

/// The scopes as the service takes them. One that is not listed is refused unless it is wanted so; a wide one is told
/// of, with the one that may do in its place.
pub(super) fn check(typed: &[String], unlisted: bool, world: &mut World<'_>) -> Result<String, Failure> {
    let scopes = scope::tidy(&typed.join(" "));
    for name in scopes.split(' ') {
        match scope::find(name) {
            Some(found) if found.wide => wide(found, world)?,
            Some(_) => {}
            None if unlisted => {}
            None => return Err(unknown(name)),
        }
    }
    for name in scope::needless(&scopes) {
        hint(world, &format!("`{name}` can be left out: another of the scopes holds it"))?;
    }
    Ok(scopes)
}

fn wide(found: &scope::Scope, world: &mut World<'_>) -> std::io::Result<()> {
    warning(world, &format!("`{}` is wide: {}", found.name, found.what))?;
    match found.narrower() {
        Some(narrower) => hint(world, &format!("`{}` may be enough: {}", narrower.name, narrower.what)),
        None => hint(world, "`valetkey pat scopes` lists those for one job"),
    }
}

fn unknown(name: &str) -> Failure {
    let mut hints: Vec<String> =
        scope::meant_by(name).into_iter().map(|meant| format!("`{}`: {}", meant.name, meant.what)).collect();
    hints.push("`valetkey pat scopes` lists all; `--unlisted-scope` sends it as it is".to_owned());
    Failure::Failed { sentence: format!("`{}` is no scope that Azure DevOps lists", shown(name)), hints }
}

pub(super) fn list(part: Option<&str>, world: &mut World<'_>) -> Outcome {
    let part = part.unwrap_or_default().to_lowercase();
    let rows: Vec<_> = scope::all()
        .filter(|one| one.name.contains(&part) || one.what.to_lowercase().contains(&part))
        .map(|one| {
            let wide = if one.wide { "wide" } else { "" };
            [one.name.to_owned(), wide.to_owned(), one.what.to_owned()]
        })
        .collect();
    table::write(world.out, ["SCOPE", "", "MAY"], &rows)?;
    Ok(Exit::Done)
}
