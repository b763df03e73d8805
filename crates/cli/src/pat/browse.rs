//! Looking at tokens and changing them.

use std::io;

use valetkey_protocol::{Answer, PatChange, PatHeld, PatList, PatRequest, PatStatus, shown};

use super::{
    args::{List, Update, Which},
    find, question, scopes, short, when,
};
use crate::{
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    world::World,
};

pub(super) fn list(args: List, world: &mut World<'_>) -> Outcome {
    let list = PatList {
        organisation: args.place.org,
        filter: args.filter.into(),
        sort: args.sort.map(Into::into),
        descending: args.descending,
        after: None,
    };
    let pats = find::all(&list, world)?;
    if args.json {
        return print(&pats, world);
    }
    if pats.is_empty() {
        writeln!(world.err, "there is no such token")?;
        return Ok(Exit::Done);
    }
    show_table(&pats, world)?;
    Ok(Exit::Done)
}

pub(super) fn kept(json: bool, world: &mut World<'_>) -> Outcome {
    let pats = match question(PatRequest::Kept, world)? {
        Answer::Pats(pats) => pats.pats,
        other => return Err(Failure::unexpected(other)),
    };
    if json {
        return print(&pats, world);
    }
    if pats.is_empty() {
        writeln!(world.err, "no token is kept")?;
        return Ok(Exit::Done);
    }
    show_table(&pats, world)?;
    Ok(Exit::Done)
}

fn print(pats: &impl serde::Serialize, world: &mut World<'_>) -> Outcome {
    serde_json::to_writer_pretty(&mut *world.out, pats).map_err(io::Error::from)?;
    writeln!(world.out)?;
    Ok(Exit::Done)
}

fn show_table(pats: &[PatStatus], world: &mut World<'_>) -> io::Result<()> {
    let rows: Vec<_> = pats
        .iter()
        .map(|pat| {
            [
                short(pat).to_owned(),
                pat.name.clone(),
                pat.scope.clone(),
                duration::left(pat.expires_at, world.place.now),
                held(pat),
            ]
        })
        .collect();
    table::write(world.out, ["ID", "NAME", "SCOPE", "LIVES FOR", ""], &rows)
}

/// What there is to say of a token besides.
fn held(pat: &PatStatus) -> String {
    let held = match &pat.held {
        PatHeld::Key => "key of the agent".to_owned(),
        PatHeld::Kept { name } => format!("kept as {name}"),
        PatHeld::Unsettled { .. } => "making it was broken off".to_owned(),
        _ => String::new(),
    };
    match (pat.all_organisations, held.is_empty()) {
        (true, true) => "all organisations".to_owned(),
        (true, false) => format!("all organisations; {held}"),
        (false, _) => held,
    }
}

pub(super) fn show(which: &Which, json: bool, world: &mut World<'_>) -> Outcome {
    let pat = find::one(which, world)?;
    if json {
        return print(&pat, world);
    }
    let at = |seconds: u64| if seconds == 0 { "unknown".to_owned() } else { when::day(seconds) };
    for (what, value) in [
        ("name", shown(&pat.name)),
        ("id", shown(&pat.id)),
        ("organisation", shown(&pat.organisation)),
        ("scope", shown(&pat.scope)),
        ("begun", at(pat.created_at)),
        ("ends", format!("{} ({})", at(pat.expires_at), duration::left(pat.expires_at, world.place.now))),
        ("remarks", shown(&held(&pat))),
    ] {
        if !value.is_empty() {
            writeln!(world.out, "{what:<12}  {value}")?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn update(args: Update, world: &mut World<'_>) -> Outcome {
    let scope = match args.scopes.as_slice() {
        [] => None,
        typed => Some(scopes::check(typed, args.unlisted_scope, world)?),
    };
    let expires_at = args.expires.as_deref().map(|text| when::end(text, world.place.now)).transpose()?;
    let pat = find::one(&args.which, world)?;
    let change =
        PatChange { organisation: Some(pat.organisation), id: pat.id, name: args.name, scope, expires_at };
    let pat = match question(PatRequest::Update(change), world)? {
        Answer::Pat(pat) => pat,
        other => return Err(Failure::unexpected(other)),
    };
    if let Some(asked) = expires_at {
        super::make::clamped(asked, &pat, world)?;
    }
    writeln!(
        world.out,
        "token `{}` may now `{}` until {}",
        shown(&pat.name),
        shown(&pat.scope),
        when::day(pat.expires_at)
    )?;
    Ok(Exit::Done)
}
