//! `valetkey pat`: every personal access token of the person.

mod args;
mod audit;
mod browse;
mod find;
mod make;
mod revoke;
mod scopes;
mod sink;
mod when;

use valetkey_protocol::{Answer, PatRequest, PatStatus, Request};

pub(crate) use args::Pat;

use crate::{
    agent::{Start, ask},
    failure::{Failure, Outcome},
    world::World,
};

pub(crate) fn run(verb: Pat, world: &mut World<'_>) -> Outcome {
    match verb {
        Pat::List(args) => browse::list(args, world),
        Pat::Show { which, json } => browse::show(&which, json, world),
        Pat::Create(args) => make::create(args, world),
        Pat::Regenerate(args) => make::regenerate(args, world),
        Pat::Update(args) => browse::update(args, world),
        Pat::Revoke { tokens, place, json } => revoke::run(&tokens, place, json, world),
        Pat::Audit { place, json } => audit::run(place, json, world),
        Pat::Kept { json } => browse::kept(json, world),
        Pat::Use { name, sink } => make::use_kept(name, &sink, world),
        Pat::Scopes { word } => scopes::list(word.as_deref(), world),
    }
}

fn question(request: PatRequest, world: &mut World<'_>) -> Result<Answer, Failure> {
    Ok(ask(world.agent, &Request::Pat(request), Start::OnDemand)?)
}

/// The part of an id that people see; it is enough to name a token by.
fn short(pat: &PatStatus) -> &str {
    pat.id.split('-').next().unwrap_or(&pat.id)
}
