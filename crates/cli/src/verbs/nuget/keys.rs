//! `valetkey nuget keys`.

use std::io;

use valetkey_protocol::{Answer, NewNugetKey, NugetKeyStatus, NugetOrgRequest, shown};

use super::{checked, ending, expiry, pasted, question, rights, verdict};
use crate::{
    args::AddNugetKey,
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    world::World,
};

/// Where a person deletes a key.
const PAGE: &str = "https://www.nuget.org/account/apikeys";

pub(super) fn add(args: AddNugetKey, world: &mut World<'_>) -> Outcome {
    let expires_at = expiry(args.expires.as_deref(), world)?;
    let secret = pasted("Key, as nuget.org shows it: ", world)?;
    let new = NewNugetKey {
        name: args.name,
        owner: args.owner,
        globs: args.globs,
        operations: args.rights.into_iter().map(Into::into).collect(),
        expires_at,
        secret,
    };
    for key in keys(NugetOrgRequest::Add(new), world)? {
        let end = key.expires_at.map_or_else(
            || "; nobody knows when it ends, so nobody will warn you".to_owned(),
            |at| format!("; it lives for {}", duration::left(at, world.place.now)),
        );
        writeln!(world.out, "key `{}` is kept{end}", shown(&key.name))?;
        ending(&key, world)?;
    }
    Ok(Exit::Done)
}

pub(super) fn list(json: bool, world: &mut World<'_>) -> Outcome {
    let keys = keys(NugetOrgRequest::List, world)?;
    if json {
        serde_json::to_writer_pretty(&mut *world.out, &keys).map_err(io::Error::from)?;
        writeln!(world.out)?;
        return Ok(Exit::Done);
    }
    if keys.is_empty() {
        writeln!(world.err, "no key of nuget.org is kept")?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.name.clone(),
                key.owner.clone(),
                rights(key),
                key.globs.join(" "),
                life(key, world.place.now),
            ]
        })
        .collect();
    table::write(world.out, ["NAME", "OWNER", "MAY", "PACKAGES", "LIVES FOR"], &rows)?;
    keys.iter().try_for_each(|key| ending(key, world))?;
    Ok(Exit::Done)
}

pub(super) fn show(name: &str, world: &mut World<'_>) -> Outcome {
    let keys = keys(NugetOrgRequest::List, world)?;
    let Some(key) = keys.iter().find(|key| key.name == name) else {
        let sentence = format!("there is no key called `{}`", shown(name));
        return Err(Failure::failed(sentence, "`valetkey nuget keys list` shows the names"));
    };
    for (what, value) in [
        ("name", shown(&key.name)),
        ("owner", shown(&key.owner)),
        ("may", rights(key)),
        ("packages", shown(&key.globs.join(" "))),
        ("lives for", life(key, world.place.now)),
        ("kind", shown(&key.kind)),
    ] {
        writeln!(world.out, "{what:<9} {value}")?;
    }
    ending(key, world)?;
    Ok(Exit::Done)
}

pub(super) fn remove(name: String, world: &mut World<'_>) -> Outcome {
    let shown_name = shown(&name);
    match question(NugetOrgRequest::Remove { name }, world)? {
        Answer::Done => {}
        other => return Err(Failure::unexpected(other)),
    }
    writeln!(world.out, "key `{shown_name}` is forgotten here")?;
    super::hint(world, &format!("on nuget.org it lives on; delete it at {PAGE}"))?;
    Ok(Exit::Done)
}

pub(super) fn verify(name: String, package: String, version: String, world: &mut World<'_>) -> Outcome {
    let checked = checked(NugetOrgRequest::Verify { name, package, version }, world)?;
    writeln!(world.out, "key `{}` is good: {}", shown(&checked.key.name), verdict(checked.verdict))?;
    Ok(Exit::Done)
}

fn keys(request: NugetOrgRequest, world: &mut World<'_>) -> Result<Vec<NugetKeyStatus>, Failure> {
    match question(request, world)? {
        Answer::NugetKeys { keys } => Ok(keys),
        other => Err(Failure::unexpected(other)),
    }
}

fn life(key: &NugetKeyStatus, now: u64) -> String {
    match (key.refused_at, key.expires_at) {
        (Some(_), _) => "refused by nuget.org".to_owned(),
        (None, Some(at)) => duration::left(at, now),
        (None, None) => "unknown".to_owned(),
    }
}
