//! `valetkey nuget`: keys of nuget.org, which the agent keeps, and what is done with them.

mod ear;
mod keys;
mod push;
mod refresh;

use std::io;

use valetkey_nuget_org::parse_expiry;
use valetkey_protocol::{
    Answer, NugetChecked, NugetKeyStatus, NugetOrgRequest, NugetRight, NugetVerdict, Request, SecretString,
    shown,
};

use super::{hint, warning};
use crate::{
    agent::{Start, ask},
    args::{Nuget, NugetKeys},
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

pub(super) fn run(verb: Nuget, world: &mut World<'_>) -> Outcome {
    match verb {
        Nuget::Keys(NugetKeys::Add(args)) => keys::add(args, world),
        Nuget::Keys(NugetKeys::List { json }) => keys::list(json, world),
        Nuget::Keys(NugetKeys::Show { name }) => keys::show(&name, world),
        Nuget::Keys(NugetKeys::Remove { name }) => keys::remove(name, world),
        Nuget::Keys(NugetKeys::Verify { name, id, version }) => keys::verify(name, id, version, world),
        Nuget::Keys(NugetKeys::Refresh(args)) => refresh::run(args, world),
        Nuget::Push(args) => push::run(&args, world),
        Nuget::Unlist { id, version, relist } => unlist(id, version, relist, world),
    }
}

fn unlist(package: String, version: String, relist: bool, world: &mut World<'_>) -> Outcome {
    let what = format!("{} {}", shown(&package), shown(&version));
    let checked = checked(NugetOrgRequest::Unlist { package, version, relist }, world)?;
    let done = if relist { "relisted" } else { "unlisted" };
    writeln!(world.out, "{what} {done} with the key `{}`", shown(&checked.key.name))?;
    Ok(Exit::Done)
}

/// Asks the agent about keys of nuget.org.
fn question(request: NugetOrgRequest, world: &mut World<'_>) -> Result<Answer, Failure> {
    Ok(ask(world.agent, &Request::NugetOrg(request), Start::OnDemand)?)
}

/// A question nuget.org itself answers; what it wants a person to know besides is told.
fn checked(request: NugetOrgRequest, world: &mut World<'_>) -> Result<NugetChecked, Failure> {
    let checked = match question(request, world)? {
        Answer::NugetChecked(checked) => checked,
        other => return Err(Failure::unexpected(other)),
    };
    for text in &checked.warnings {
        warning(world, &format!("nuget.org says: {}", shown(text)))?;
    }
    ending(&checked.key, world)?;
    Ok(checked)
}

/// Warns of a key whose end is near.
fn ending(key: &NugetKeyStatus, world: &mut World<'_>) -> io::Result<()> {
    if let Some(text) = &key.warning {
        warning(world, &format!("key `{}`: {}", shown(&key.name), shown(text)))?;
        hint(world, &format!("run `valetkey nuget keys refresh {}`", shown(&key.name)))?;
    }
    Ok(())
}

/// A key's value, asked for or piped in.
fn pasted(prompt: &str, world: &mut World<'_>) -> Result<SecretString, Failure> {
    world.person.secret(prompt).map_err(|error| {
        Failure::failed(
            format!("the key cannot be asked for: {error}"),
            "run it in a terminal, or pipe the key into it",
        )
    })
}

/// When a key ends, as a person said it: in seconds since 1970.
fn expiry(text: Option<&str>, world: &World<'_>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let parsed = parse_expiry(text, world.place.now).map(Some);
    parsed.ok_or_else(|| {
        let sentence = format!("`{}` is no day and no number of days", shown(text));
        Failure::failed(sentence, "say it as `2027-03-01`, or as `365d`")
    })
}

fn right(right: NugetRight) -> &'static str {
    match right {
        NugetRight::Push => "push",
        NugetRight::PushVersion => "push-version",
        NugetRight::Unlist => "unlist",
        _ => "more than this version knows",
    }
}

fn rights(key: &NugetKeyStatus) -> String {
    key.operations.iter().map(|one| right(*one)).collect::<Vec<_>>().join(", ")
}

fn verdict(verdict: NugetVerdict) -> &'static str {
    match verdict {
        NugetVerdict::MayPush => "nuget.org takes it for this package",
        NugetVerdict::NoSuchPackage => "nuget.org takes it; it has no such version of this package",
        NugetVerdict::Unchecked => "it was not checked",
        _ => "nuget.org takes it",
    }
}
