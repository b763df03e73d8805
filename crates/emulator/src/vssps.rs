//! `vssps.dev.azure.com`: personal access tokens, session tokens, profiles.

use http::Method;
use serde_json::json;

use crate::{
    answer::Answer,
    call::Call,
    devops::{access, challenge, connection, exception, location},
    pats,
    server::Shared,
};

/// Answers one request to the PAT API's host.
pub(crate) fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut world = shared.world();
    let world = &mut *world;
    let lower = call.lower();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    let Some(name) = parts.first() else { return Answer::empty(404) };
    if *name == "_apis" {
        // Without an organisation only Entra tokens count, and the emulator has nothing to say to them here.
        return challenge::unauthenticated(world, call, None);
    }
    let Some(organisation) = world.organisation(name).cloned() else {
        let message = format!("The organisation '{name}' is not known.");
        return exception(404, "HostDoesNotExistException", &message);
    };
    match (&call.method, &parts[1..]) {
        (&Method::OPTIONS, ["_apis"]) => location::resources(),
        (&Method::GET, ["_apis", "connectiondata"]) => connection::data(world, call, &organisation),
        (&Method::GET, ["_apis", "servicedefinitions", "locationservice2", service]) => {
            location::service(world, &organisation, service)
        }
        (_, ["_apis", "tokens", "pats"]) => pats::handle(world, call, &organisation),
        (&Method::POST, ["_apis", "token", "sessiontokens"]) => {
            pats::session_token(world, call, &organisation)
        }
        (&Method::GET, ["_apis", "profile", "profiles", "me"]) => {
            match access::authenticate(world, call, &organisation, None) {
                Ok(session) => session.mark(Answer::json(
                    200,
                    &json!({"id": session.object_id, "emailAddress": session.upn, "publicAlias": session.object_id}),
                )),
                Err(answer) => answer,
            }
        }
        _ => match access::authenticate(world, call, &organisation, None) {
            Ok(_) => exception(404, "VssResourceNotFoundException", "The resource cannot be found."),
            Err(answer) => answer,
        },
    }
}
