//! `valetkey status`.

use std::io;

use valetkey_protocol::{
    AccountStatus, Answer, Request, SessionState, StatusReport, VaultState, VaultStatus, VaultTier, shown,
    without_errno,
};

use super::keys;
use crate::{
    agent::{Start, Unreachable, ask},
    duration,
    exit::Exit,
    failure::{Failure, Outcome, usual_step},
    style,
    world::World,
};

pub(super) fn run(json: bool, world: &mut World<'_>) -> Outcome {
    let report = match ask(world.agent, &Request::Status, Start::Never) {
        Ok(Answer::Status(report)) => report,
        Ok(other) => return Err(Failure::unexpected(other)),
        Err(Unreachable::NotRunning) if !json => {
            writeln!(world.out, "agent     not running; it starts by itself when git or valetkey needs it")?;
            return Ok(Exit::NoAgent);
        }
        Err(unreachable) => return Err(unreachable.into()),
    };
    if json {
        serde_json::to_writer_pretty(&mut *world.out, &report).map_err(io::Error::from)?;
        writeln!(world.out)?;
    } else {
        show(&report, world)?;
    }
    Ok(if is_ready(&report) { Exit::Done } else { Exit::Refused })
}

/// Whether a program that asks now is given a key, as far as can be told without trying.
fn is_ready(report: &StatusReport) -> bool {
    let vault = matches!(report.vault.state, VaultState::Ready | VaultState::Untried);
    let accounts = !report.accounts.is_empty()
        && report.accounts.iter().all(|account| account.session != SessionState::Ended);
    !report.locked && vault && accounts
}

fn show(report: &StatusReport, world: &mut World<'_>) -> io::Result<()> {
    writeln!(
        world.out,
        "agent     running for {}, version {}, pid {}",
        duration::shown(report.uptime),
        shown(&report.version),
        report.pid
    )?;
    if report.locked {
        writeln!(world.out, "          locked: no key is handed out; next: run `valetkey unlock`")?;
    }
    vault(&report.vault, world.out)?;
    if report.accounts.is_empty() {
        writeln!(world.out, "account   none is signed in; next: run `valetkey login <organisation>`")?;
    }
    report.accounts.iter().try_for_each(|one| account(one, world.out))?;
    for it in &report.detours {
        writeln!(
            world.out,
            "instead   {} for {} ({}), tried again in {}: {}",
            it.issuer,
            shown(&it.organisation),
            shown(&it.scope),
            duration::shown(it.seconds),
            shown(&it.sentence)
        )?;
    }
    if report.to_revoke > 0 {
        writeln!(world.out, "to revoke {}; the agent tries again by itself", report.to_revoke)?;
    }
    if report.audit_lost > 0 {
        writeln!(world.out, "audit     lines that could not be written: {}", report.audit_lost)?;
    }
    let warning = style::WARNING;
    for text in &report.warnings {
        writeln!(world.out, "{warning}warning{warning:#}   {}", shown(&without_errno(text)))?;
    }
    if report.keys.is_empty() {
        writeln!(world.out, "keys      none; one is made when git asks for it")
    } else {
        writeln!(world.out)?;
        keys::show(&report.keys, world)
    }
}

fn account(account: &AccountStatus, to: &mut dyn io::Write) -> io::Result<()> {
    let organisations = match account.organisations.join(", ") {
        none if none.is_empty() => "no organisation".to_owned(),
        some => some,
    };
    writeln!(
        to,
        "account   {} (tenant {}) for {}",
        shown(&account.username),
        shown(&account.tenant),
        shown(&organisations)
    )?;
    if let Some(source) = &account.source {
        writeln!(to, "          access tokens come from {source}")?;
    }
    if account.lends {
        writeln!(to, "          its tokens are handed out where keys are refused")?;
    }
    let state = match account.session {
        SessionState::Ready => "session ready",
        SessionState::Ended => "session ended",
        SessionState::Waiting => "session waiting for the identity provider",
        _ => "session in a state of a later version",
    };
    let Some(problem) = &account.problem else { return writeln!(to, "          {state}") };
    writeln!(to, "          {state}: {}", shown(&problem.sentence))?;
    let next = if problem.hint.is_empty() { usual_step(problem.reason) } else { &problem.hint };
    writeln!(to, "          next: {}", shown(next))
}

fn vault(vault: &VaultStatus, to: &mut dyn io::Write) -> io::Result<()> {
    let tier = match vault.tier {
        VaultTier::Os => "the system's keyring",
        VaultTier::Sealed => "sealed file",
        VaultTier::Memory => "memory: gone when the agent ends",
        _ => "a place of a later version",
    };
    let state = match vault.state {
        VaultState::Untried => "not used yet",
        VaultState::Ready => "ready",
        VaultState::Locked => "locked",
        VaultState::Hung => "does not answer",
        VaultState::Absent => "there is none",
        VaultState::Failed => "failed",
        _ => "in a state of a later version",
    };
    writeln!(to, "vault     {tier}, {state}")?;
    for (lead, text) in [("", &vault.sentence), ("next: ", &vault.hint)] {
        if !text.is_empty() {
            writeln!(to, "          {lead}{}", shown(text))?;
        }
    }
    Ok(())
}
