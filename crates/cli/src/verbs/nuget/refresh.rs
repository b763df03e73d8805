//! `valetkey nuget keys refresh`: a person refreshes the key on the site, the new value is checked, and only then the
//! old one goes.

use valetkey_protocol::{Answer, NugetOrgRequest, NugetProof, NugetRefresh, NugetRight, shown};

use super::{checked, expiry, pasted, question, verdict};
use crate::{
    args::RefreshNugetKey,
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

pub(super) fn run(args: RefreshNugetKey, world: &mut World<'_>) -> Outcome {
    let expires_at = expiry(args.expires.as_deref(), world)?;
    let refresh = match question(NugetOrgRequest::BeginRefresh { name: args.name.clone() }, world)? {
        Answer::NugetRefresh(refresh) => refresh,
        other => return Err(Failure::unexpected(other)),
    };
    // Before the person acts: the site shows the new value once, and the old one dies with it.
    let proof = proof(args.id.zip(args.version), &refresh)?;
    explain(&refresh, world)?;
    let secret = pasted("New key, as nuget.org shows it: ", world)?;
    let request = NugetOrgRequest::CompleteRefresh { name: args.name, secret, expires_at, proof };
    let checked = checked(request, world)?;
    let end = checked
        .key
        .expires_at
        .map(|at| format!("; it lives for {}", duration::left(at, world.place.now)))
        .unwrap_or_default();
    let name = shown(&checked.key.name);
    writeln!(world.out, "key `{name}` is refreshed: {}{end}", verdict(checked.verdict))?;
    Ok(Exit::Done)
}

fn proof(package: Option<(String, String)>, refresh: &NugetRefresh) -> Result<NugetProof, Failure> {
    let pushes = refresh
        .key
        .operations
        .iter()
        .any(|right| matches!(right, NugetRight::Push | NugetRight::PushVersion));
    match package {
        Some((package, version)) if pushes => Ok(NugetProof::Package { package, version }),
        // nuget.org's check refuses a key that may only unlist.
        _ if !pushes => Ok(NugetProof::Person),
        _ => {
            let name = shown(&refresh.key.name);
            Err(Failure::failed(
                format!("the new value of `{name}` cannot be checked: no package is named"),
                format!("name one that is on nuget.org: `valetkey nuget keys refresh {name} <id> <version>`"),
            ))
        }
    }
}

fn explain(refresh: &NugetRefresh, world: &mut World<'_>) -> std::io::Result<()> {
    writeln!(world.err, "Open {}\n", shown(&refresh.page))?;
    for (at, step) in refresh.steps.iter().enumerate() {
        writeln!(world.err, "  {}. {}", at + 1, shown(step))?;
    }
    writeln!(world.err)
}
