//! `valetkey agent`.

use std::time::Duration;

use valetkey_protocol::{Answer, Request, StatusReport, shown};

use super::done;
use crate::{
    agent::{Start, Unreachable, ask},
    args::AgentVerb,
    exit::Exit,
    failure::{Failure, Outcome},
    world::World,
};

/// How long a stopping agent may take: it answers what is in flight, which may be waiting for a service.
const ENDING: Duration = Duration::from_secs(15);

pub(super) fn run(verb: AgentVerb, world: &mut World<'_>) -> Outcome {
    match verb {
        AgentVerb::Start => start(world),
        AgentVerb::Stop => {
            let text = if stop(world)? { "the agent has stopped" } else { "no agent is running" };
            writeln!(world.out, "{text}")?;
            Ok(Exit::Done)
        }
        AgentVerb::Restart => {
            stop(world)?;
            start(world)
        }
        AgentVerb::Run => world.agent.run_in_foreground().map_err(|error| {
            Failure::failed(
                format!("`valetkey-agent` cannot be run: {error}"),
                "install `valetkey-agent` next to `valetkey`",
            )
        }),
    }
}

fn start(world: &mut World<'_>) -> Outcome {
    let report = status(Start::OnDemand, world)?;
    writeln!(world.out, "the agent is running: version {}, pid {}", shown(&report.version), report.pid)?;
    Ok(Exit::Done)
}

fn status(start: Start, world: &mut World<'_>) -> Result<StatusReport, Failure> {
    match ask(world.agent, &Request::Status, start)? {
        Answer::Status(report) => Ok(*report),
        other => Err(Failure::unexpected(other)),
    }
}

/// Stops the agent; `false` when none was running.
fn stop(world: &mut World<'_>) -> Result<bool, Failure> {
    match done(&Request::Stop, Start::Never, world) {
        Ok(()) => {}
        Err(Failure::Unreachable(Unreachable::NotRunning)) => return Ok(false),
        Err(failure) => return Err(failure),
    }
    if world.agent.wait_until_gone(ENDING) {
        return Ok(true);
    }
    Err(Failure::failed(
        format!("the agent has not ended within {} s", ENDING.as_secs()),
        "it may be waiting for a service; try again in a moment",
    ))
}
