//! `valetkey account`.

use std::io;

use valetkey_protocol::{AccountStatus, Answer, Request, SessionState, UseAccount, shown};

use super::logout;
use crate::{
    agent::{Start, ask},
    args::{Account, Logout},
    exit::Exit,
    failure::{Failure, Outcome},
    table,
    world::World,
};

pub(super) fn run(verb: Account, world: &mut World<'_>) -> Outcome {
    match verb {
        Account::List { json } => list(json, world),
        Account::Use { organisation, account } => choose(&organisation, account, world),
        Account::Remove { account } => logout::run(Logout { account: Some(account) }, world),
    }
}

fn list(json: bool, world: &mut World<'_>) -> Outcome {
    let accounts = match ask(world.agent, &Request::Status, Start::OnDemand)? {
        Answer::Status(report) => report.accounts,
        other => return Err(Failure::unexpected(other)),
    };
    if json {
        serde_json::to_writer_pretty(&mut *world.out, &accounts).map_err(io::Error::from)?;
        writeln!(world.out)?;
    } else if accounts.is_empty() {
        writeln!(world.err, "nobody is signed in")?;
    } else {
        let rows: Vec<_> = accounts.iter().map(row).collect();
        table::write(world.out, ["ACCOUNT", "TENANT", "KEYS FOR", "COULD USE", "SESSION"], &rows)?;
    }
    Ok(Exit::Done)
}

fn row(account: &AccountStatus) -> [String; 5] {
    let (used, other): (Vec<_>, Vec<_>) =
        account.organisations.iter().map(String::as_str).partition(|name| is_used_for(account, name));
    let listed = |names: &[&str]| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
    let session = match account.session {
        SessionState::Ready => "ready",
        SessionState::Ended => "ended: see `valetkey status`",
        SessionState::Waiting => "waiting",
        _ => "unknown",
    };
    [account.username.clone(), account.tenant.clone(), listed(&used), listed(&other), session.to_owned()]
}

fn is_used_for(account: &AccountStatus, organisation: &str) -> bool {
    account.used_for.iter().any(|name| name == organisation)
}

fn choose(organisation: &str, account: String, world: &mut World<'_>) -> Outcome {
    let request = Request::UseAccount(UseAccount { organisation: organisation.to_owned(), account });
    match ask(world.agent, &request, Start::OnDemand)? {
        Answer::SignedIn { account, .. } => {
            writeln!(world.out, "keys for {} are of {} from now on", shown(organisation), shown(&account))?;
            Ok(Exit::Done)
        }
        other => Err(Failure::unexpected(other)),
    }
}
