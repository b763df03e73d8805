//! `erase`: git says that a key did not work. A redirect can provoke it, so it is a hint and no more.

use std::io::{Read, Write};

use valetkey_protocol::{EraseRequest, Request};

use crate::{Ask, Reach, World, input, trace::Trace};

pub(crate) fn erase<A: Ask, P>(stdin: impl Read, world: &mut World<A, P>, trace: &mut Trace<'_, impl Write>) {
    let parsed = input::read(stdin).and_then(|bytes| {
        trace.input(&bytes);
        input::parse(&bytes)
    });
    match parsed.map(|input| (input.target, input.password)) {
        Ok((target, Some(secret))) => {
            // An agent that does not run has nothing to forget.
            let answer = world.agent.ask(&Request::Erase(EraseRequest { target, secret }), Reach::IfRunning);
            trace.answer(&answer);
        }
        Ok((_, None)) => trace.note("not passed on: no password"),
        Err(rejected) => trace.note(&format!("not passed on: {rejected}")),
    }
}
