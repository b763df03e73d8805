//! `valetkey logout`.

use valetkey_protocol::{Answer, LogoutRequest, Request, shown};

use super::report_revoked;
use crate::{
    agent::{Start, ask},
    args::Logout,
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

pub(super) fn run(args: Logout, world: &mut World<'_>) -> Outcome {
    let who = args.account.as_deref().map_or_else(String::new, |account| format!(": {}", shown(account)));
    let request = Request::Logout(LogoutRequest { account: args.account });
    let revoked = match ask(world.agent, &request, Start::OnDemand)? {
        Answer::Done => None,
        Answer::Revoked(revoked) => Some(revoked),
        other => return Err(Failure::unexpected(other)),
    };
    writeln!(world.out, "signed out{who}")?;
    revoked.map_or(Ok(Exit::Done), |revoked| report_revoked(&revoked, world))
}
