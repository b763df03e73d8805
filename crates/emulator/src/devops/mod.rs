//! Azure DevOps: the organisation's own host, and what all its hosts share.

pub(crate) mod access;
pub(crate) mod challenge;
pub(crate) mod connection;
mod error;
pub(crate) mod location;

pub(crate) use error::exception;

use http::Method;
use hyper::body::Incoming;
use serde_json::json;

use crate::{
    answer::Answer,
    call::Call,
    git,
    server::Shared,
    world::{Organisation, World},
};

/// Answers one request to `dev.azure.com` or `{org}.visualstudio.com`.
pub(crate) async fn handle(shared: &Shared, call: &Call, body: Option<Incoming>) -> Answer {
    if let Some(request) = git::parse(call) {
        return git::serve(shared, call, &request, body).await;
    }
    let mut world = shared.world();
    let world = &mut *world;
    let lower = call.lower();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    let Some(name) = parts.first() else { return Answer::empty(404) };
    if *name == "_signin" {
        return Answer::html(203, challenge::sign_in_page());
    }
    let Some(organisation) = world.organisation(name).cloned() else { return error::no_such_page() };
    match (&call.method, &parts[1..]) {
        (&Method::GET | &Method::HEAD, []) => root(world, call, &organisation),
        (&Method::GET, ["_apis", "connectiondata"]) => connection::data(world, call, &organisation),
        (&Method::GET, ["_apis", "servicedefinitions", "locationservice2", service]) => {
            location::service(world, &organisation, service)
        }
        (&Method::GET, ["_apis", "projects"]) => projects(world, call, &organisation),
        _ => match access::authenticate(world, call, &organisation, None) {
            Ok(_) => error::no_such_page(),
            Err(answer) => answer,
        },
    }
}

fn root(world: &mut World, call: &Call, organisation: &Organisation) -> Answer {
    match access::authenticate(world, call, organisation, None) {
        Ok(session) => session.mark(Answer::html(200, "<html><title>Projects</title></html>")),
        Err(answer) => answer,
    }
}

fn projects(world: &mut World, call: &Call, organisation: &Organisation) -> Answer {
    match access::authenticate(world, call, organisation, Some("vso.project")) {
        Ok(session) => {
            let names =
                git::PROJECTS.iter().map(|(project, _)| json!({"name": project, "state": "wellFormed"}));
            let value: Vec<_> = names.collect();
            session.mark(Answer::json(200, &json!({"count": value.len(), "value": value})))
        }
        Err(answer) => answer,
    }
}
