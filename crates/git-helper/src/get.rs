//! `get`: git wants a key.

use std::io::{Read, Write};

use valetkey_client::ClientError;
use valetkey_protocol::{Answer, GetRequest, Reason, Refusal, Request};

use crate::{
    Ask, Processes, Reach, World,
    caller::Calling,
    input::{self, Input},
    output::Answering,
    trace::Trace,
};

pub(crate) fn get<A: Ask, P: Processes>(
    stdin: impl Read,
    world: &mut World<A, P>,
    trace: &mut Trace<'_, impl Write>,
) -> Answering {
    let input = match input::read(stdin).and_then(|bytes| {
        trace.input(&bytes);
        input::parse(&bytes)
    }) {
        Ok(input) => input,
        Err(rejected) => {
            trace.note(&format!("not answered: {rejected}"));
            return Answering::silent();
        }
    };
    let built_in = input.is_built_in();
    let retry = input.keeps_state && input.refused.is_none();
    let request = Request::Get(question(input, &Calling::above(&world.processes)));
    trace.note(&format!("asks the agent: {request:?}"));
    let reach = if built_in { Reach::Start } else { Reach::IfRunning };
    let answer = world.agent.ask(&request, reach);
    trace.answer(&answer);
    say(answer, built_in, retry)
}

fn question(input: Input, calling: &Calling) -> GetRequest {
    GetRequest {
        target: input.target,
        operation: calling.operation,
        refused: input.refused,
        can_retry: input.keeps_state,
        challenges: input.challenges,
        caller: calling.caller,
    }
}

fn say(answer: Result<Answer, ClientError>, built_in: bool, retry: bool) -> Answering {
    match answer {
        Ok(Answer::Credential(credential)) => {
            Answering::credential(&credential, retry && credential.may_retry)
        }
        Ok(Answer::Refused(refusal)) if is_quiet(&refusal, built_in) => Answering::silent(),
        Ok(Answer::Refused(refusal)) => Answering::refused(&refusal),
        _ if !built_in => Answering::silent(),
        // Only a hostile request is that large.
        Err(ClientError::TooLarge) => Answering::silent(),
        Err(error) => Answering::failed(&error),
        Ok(_) => Answering::failed(&ClientError::Garbled),
    }
}

/// Whether git's other helpers are to be asked. An agent that could not look at the question has not said that a
/// host which is not built in is its own.
fn is_quiet(refusal: &Refusal, built_in: bool) -> bool {
    match refusal.reason {
        Reason::NotOurs | Reason::BadRequest => true,
        Reason::Busy
        | Reason::ShuttingDown
        | Reason::NotPermitted
        | Reason::VersionMismatch
        | Reason::Internal
        | Reason::Unknown => !built_in,
        _ => false,
    }
}
