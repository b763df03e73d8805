//! The PAT Lifecycle API (Microsoft: "PAT Lifecycle Management API", 7.1-preview.1).

mod create;
mod list;
mod result;
mod session;
mod update;
mod version;

pub(crate) use create::mint;
pub(crate) use session::session_token;

use http::Method;
use serde_json::Value;

use crate::{
    answer::Answer,
    call::{Call, Credential},
    devops::{
        access::{self, Session},
        challenge, exception,
    },
    scope,
    world::{Organisation, World},
};

/// Answers one request to `…/_apis/tokens/pats`.
pub(crate) fn handle(world: &mut World, call: &Call, organisation: &Organisation) -> Answer {
    let session = match authorise(world, call, organisation) {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let version = match version::parse(call) {
        Ok(version) => version,
        Err(answer) => return session.mark(answer),
    };
    let target = call.parameter("authorizationId").map(str::to_lowercase);
    let answer = match (&call.method, target) {
        (&Method::GET, Some(id)) => list::get(world, &session, organisation, &id, version),
        (&Method::GET, None) => list::list(world, call, &session, organisation),
        (&Method::DELETE, Some(id)) => update::revoke(world, &session, organisation, &id),
        (&Method::POST, _) => {
            with_body(world, call, |world, body| create::create(world, &session, organisation, body, version))
        }
        (&Method::PUT, _) => {
            with_body(world, call, |world, body| update::update(world, &session, organisation, body, version))
        }
        _ => exception(
            405,
            "VssRequestMethodNotSupportedException",
            "The requested resource does not support it.",
        ),
    };
    session.mark(challenge::with_activity(world, answer))
}

fn with_body(world: &mut World, call: &Call, run: impl FnOnce(&mut World, &Value) -> Answer) -> Answer {
    match serde_json::from_slice::<Value>(&call.body) {
        Ok(body) if body.is_object() => run(world, &body),
        _ => {
            let message =
                format!("TF400898: An Internal Error Occurred. Activity Id: {}.", world.random.guid());
            exception(400, "JsonReaderException", &message)
        }
    }
}

/// Only a person's Entra token opens this API.
fn authorise(world: &mut World, call: &Call, organisation: &Organisation) -> Result<Session, Answer> {
    let token = match &call.credential {
        Credential::Bearer(token) => token.clone(),
        Credential::Basic { password, .. } if world.pats.iter().any(|pat| &pat.token == password) => {
            let status = world.switches.pat_as_basic_status;
            return Err(exception(
                status,
                "InvalidAccessException",
                "The requested operation is not allowed.",
            ));
        }
        _ => return Err(challenge::unauthenticated(world, call, Some(organisation))),
    };
    if world.access_tokens.get(&token).is_some_and(|token| token.user.is_none()) {
        let message = "Service principals are not allowed to perform this action.";
        return Err(exception(world.switches.service_principal_status, "InvalidAccessException", message));
    }
    let (session, token) = access::bearer(world, call, organisation, &token)?;
    let holds = |scope: &str| token.scopes.iter().any(|held| held == scope);
    let switches = &world.switches;
    let full = switches.user_impersonation && holds(scope::IMPERSONATION);
    let reads = holds("vso.pats") || full;
    let writes = (holds("vso.pats_manage") && (switches.pats_manage_alone || holds("vso.pats"))) || full;
    let allowed = if call.method == Method::GET { reads } else { writes };
    if allowed { Ok(session) } else { Err(challenge::not_authorized(world, &session.object_id)) }
}
