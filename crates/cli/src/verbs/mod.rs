//! The verbs, one a file.

mod account;
mod agent;
mod audit;
mod config;
mod doctor;
mod exec;
mod keys;
mod lock;
mod login;
mod logout;
mod nuget;
mod setup;
mod setup_nuget;
mod status;
mod unlock;

use valetkey_protocol::{Answer, Request};

use crate::{
    agent::{Start, ask},
    args::{Keys, Setup, Verb},
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    style,
    world::World,
};

/// Runs one verb.
pub(crate) fn run(verb: Verb, world: &mut World<'_>) -> Outcome {
    match verb {
        Verb::Login(args) => login::run(args, world),
        Verb::Logout(args) => logout::run(args, world),
        Verb::Account(verb) => account::run(verb, world),
        Verb::Status { json } => status::run(json, world),
        Verb::Setup(Setup::Git(args)) => setup::git(&args, world),
        Verb::Setup(Setup::Nuget(args)) => setup_nuget::run(&args, world),
        Verb::Setup(Setup::Entra { for_admin }) => setup::entra(for_admin, world),
        Verb::Agent(verb) => agent::run(verb, world),
        Verb::Lock { revoke } => lock::run(revoke, world),
        Verb::Unlock => unlock::run(world),
        Verb::Doctor { json } => doctor::run(json, world),
        Verb::Nuget(verb) => nuget::run(verb, world),
        Verb::Exec(args) => exec::run(&args, world),
        Verb::Audit { lines, json } => audit::run(lines, json, world),
        Verb::Keys(Keys::List { json }) => keys::list(json, world),
        Verb::Keys(Keys::Revoke(args)) => keys::revoke(args, world),
        Verb::Pat(verb) => crate::pat::run(verb, world),
        Verb::Config(crate::args::Config::Reload) => config::reload(world),
    }
}

/// Asks for something that is answered with nothing but success.
fn done(request: &Request, start: Start, world: &mut World<'_>) -> Result<(), Failure> {
    match ask(world.agent, request, start)? {
        Answer::Done => Ok(()),
        other => Err(Failure::unexpected(other)),
    }
}

/// One `hint:` line on standard error.
pub(crate) fn hint(world: &mut World<'_>, text: &str) -> std::io::Result<()> {
    let hint = style::HINT;
    writeln!(world.err, "{hint}hint:{hint:#} {text}")
}

/// One `warning:` line on standard error.
pub(crate) fn warning(world: &mut World<'_>, text: &str) -> std::io::Result<()> {
    let warning = style::WARNING;
    writeln!(world.err, "{warning}warning:{warning:#} {text}")
}

/// Tells how revoking went, and whether all of it is done.
pub(crate) fn report_revoked(revoked: &valetkey_protocol::Revoked, world: &mut World<'_>) -> Outcome {
    writeln!(world.out, "{} revoked", keys_in_words(revoked.revoked))?;
    for key in &revoked.ending {
        let text = format!(
            "the {} for `{}` cannot be revoked: it ends by itself in {}",
            key.issuer,
            valetkey_protocol::shown(&key.organisation),
            duration::left(key.expires_at, world.place.now)
        );
        warning(world, &text)?;
    }
    for sentence in &revoked.left {
        warning(world, &valetkey_protocol::shown(sentence))?;
        hint(
            world,
            "`valetkey pat list` shows both while you are signed in: revoke the one that nothing uses",
        )?;
    }
    if revoked.sought > 0 {
        let text = format!(
            "{} may have been made with no answer seen, and the service lists none: it is looked for a few minutes \
             longer, and revoked if it turns up",
            keys_in_words(revoked.sought)
        );
        hint(world, &text)?;
    }
    if revoked.pending == 0 && revoked.sentence.is_empty() {
        return Ok(Exit::Done);
    }
    if revoked.pending == 0 {
        warning(world, &valetkey_protocol::shown(&revoked.sentence))?;
        hint(world, "see `valetkey status`")?;
        return Ok(Exit::Refused);
    }
    let why = if revoked.sentence.is_empty() { "the service did not answer" } else { &revoked.sentence };
    let text = format!(
        "{} could not be revoked yet: {}",
        keys_in_words(revoked.pending),
        valetkey_protocol::shown(why)
    );
    warning(world, &text)?;
    hint(world, "`valetkey status` shows what is left")?;
    Ok(Exit::Refused)
}

fn keys_in_words(count: u32) -> String {
    match count {
        0 => "no key".to_owned(),
        1 => "1 key".to_owned(),
        more => format!("{more} keys"),
    }
}
