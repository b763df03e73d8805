//! Making tokens, and what becomes of their values.

use valetkey_protocol::{
    Answer, NewPat, PatHeld, PatMade, PatRequest, PatSettled, PatStatus, PatValue, RegeneratePat, Request,
    shown,
};

use super::{
    args::{Create, Regenerate, UseSink},
    find, question, scopes,
    sink::Sink,
    when,
};
use crate::{
    agent::{Start, ask},
    duration,
    exit::Exit,
    failure::{Failure, Outcome},
    verbs::{hint, warning},
    world::World,
};

/// How far the end that is given may be from the one asked for, in seconds: the service rounds.
const ROUNDING: u64 = 120;
/// How often the agent is told that a value has arrived: it may just have died, and the next one knows the rest.
const TRIES: u32 = 3;

pub(super) fn create(args: Create, world: &mut World<'_>) -> Outcome {
    let scope = scopes::check(&args.scopes, args.unlisted_scope, world)?;
    let expires_at = when::end(&args.expires, world.place.now)?;
    let sink = Sink::chosen(&args.sink, world)?;
    let new = NewPat {
        organisation: args.place.org,
        name: args.name,
        scope,
        expires_at,
        keep: args.sink.keep,
        caller: world.place.caller,
    };
    make(PatRequest::Create(new), sink, world)
}

pub(super) fn regenerate(args: Regenerate, world: &mut World<'_>) -> Outcome {
    let scope = match args.scopes.as_slice() {
        [] => None,
        typed => Some(scopes::check(typed, args.unlisted_scope, world)?),
    };
    let expires_at = args.expires.as_deref().map(|text| when::end(text, world.place.now)).transpose()?;
    let old = find::one(&args.which, world)?;
    let mut to = args.sink;
    // What is in the vault stays there, unless another place is named.
    if let (PatHeld::Kept { name }, false) = (&old.held, to.to_command || to.print || to.show) {
        to.keep.get_or_insert_with(|| name.clone());
    }
    let sink = Sink::chosen(&to, world)?;
    let wish = RegeneratePat {
        organisation: Some(old.organisation),
        id: old.id,
        scope,
        expires_at,
        keep: to.keep,
        caller: world.place.caller,
    };
    make(PatRequest::Regenerate(wish), sink, world)
}

pub(super) fn use_kept(name: String, args: &UseSink, world: &mut World<'_>) -> Outcome {
    let sink = Sink::of_use(args, world)?;
    hold(world)?;
    let value = taken(PatRequest::Use { name }, world)?;
    sink.put(&value, world, &mut |_| {})?;
    Ok(Exit::Done)
}

fn make(request: PatRequest, sink: Option<Sink>, world: &mut World<'_>) -> Outcome {
    let replaces = matches!(request, PatRequest::Regenerate(_));
    let made = match question(request, world)? {
        Answer::PatMade(made) => made,
        other => return Err(Failure::unexpected(other)),
    };
    clamped(made.asked_until, &made.pat, world)?;
    let settled = match (&made.ticket, sink) {
        (Some(ticket), Some(sink)) => hand_on(ticket, &sink, world)?,
        _ => made.settled.clone().unwrap_or_default(),
    };
    report(&made, &settled, world)?;
    if replaces && settled == PatSettled::default() {
        warning(world, "the agent no longer knows whether the old one is revoked")?;
        hint(world, "`valetkey pat list` shows it if it lives; then run `valetkey pat revoke` with its id")?;
    }
    Ok(Exit::Done)
}

/// Takes the value, puts it in its place, and says whether it got there. The old token dies only then.
fn hand_on(ticket: &str, sink: &Sink, world: &mut World<'_>) -> Result<PatSettled, Failure> {
    let undo = |world: &mut World<'_>, failure: Failure| {
        // The failure counts; if the agent cannot be told either, it finds out by itself that this process has ended.
        if settle(ticket, false, world).is_ok_and(|settled| settled.revoked > 0) {
            let _ = writeln!(world.err, "the token that was made is revoked again");
        }
        failure
    };
    let value = hold(world).and_then(|()| taken(PatRequest::Take { ticket: ticket.to_owned() }, world));
    let value = match value {
        Ok(value) => value,
        Err(failure) => return Err(undo(world, failure)),
    };
    let mut settled = None;
    let put = sink.put(&value, world, &mut |world| settled = Some(settle(ticket, true, world)));
    match (put, settled) {
        (Ok(()), Some(settled)) => settled,
        (Ok(()), None) => settle(ticket, true, world),
        (Err(failure), None) => Err(undo(world, failure)),
        (Err(failure), Some(_)) => Err(failure),
    }
}

/// Ctrl-C reaches the command as well as this program: the command decides, and the agent is told what became of it.
fn hold(world: &mut World<'_>) -> Result<(), Failure> {
    world.programs.hold().map_err(|error| {
        Failure::failed(format!("this program cannot listen for signals: {error}"), "run this again")
    })
}

fn taken(request: PatRequest, world: &mut World<'_>) -> Result<PatValue, Failure> {
    match question(request, world)? {
        Answer::PatValue(value) => Ok(value),
        other => Err(Failure::unexpected(other)),
    }
}

fn settle(ticket: &str, delivered: bool, world: &mut World<'_>) -> Result<PatSettled, Failure> {
    let request = Request::Pat(PatRequest::Settle { ticket: ticket.to_owned(), delivered });
    world.programs.let_go();
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match ask(world.agent, &request, Start::OnDemand) {
            Ok(Answer::PatSettled(settled)) => return Ok(settled),
            Ok(other) => return Err(Failure::unexpected(other)),
            Err(_) if tries > 0 => {}
            Err(unreachable) => return Err(unreachable.into()),
        }
    }
}

/// Says plainly where the service gave a token less time than was asked for.
pub(super) fn clamped(asked: u64, pat: &PatStatus, world: &mut World<'_>) -> std::io::Result<()> {
    if asked <= pat.expires_at.saturating_add(ROUNDING) {
        return Ok(());
    }
    let now = world.place.now;
    let text = format!(
        "`{}` gives tokens less time than you asked for: it ends on {}, in {} and not in {}",
        shown(&pat.organisation),
        when::day(pat.expires_at),
        duration::left(pat.expires_at, now),
        duration::left(asked, now),
    );
    warning(world, &text)
}

fn report(made: &PatMade, settled: &PatSettled, world: &mut World<'_>) -> Outcome {
    let pat = &made.pat;
    let (name, scope) = (shown(&pat.name), shown(&pat.scope));
    let kept = match &pat.held {
        PatHeld::Kept { name } => format!(", kept as `{}`", shown(name)),
        _ => String::new(),
    };
    writeln!(
        world.err,
        "token `{name}` for `{}` may `{scope}` until {}{kept}",
        shown(&pat.organisation),
        when::day(pat.expires_at)
    )?;
    if settled.revoked > 0 {
        writeln!(world.err, "the old one is revoked")?;
    }
    if settled.pending > 0 {
        let text = format!("the old one could not be revoked yet: {}", shown(&settled.sentence));
        warning(world, &text)?;
        hint(world, "the agent tries again by itself; `valetkey status` shows what is left")?;
    }
    Ok(Exit::Done)
}
