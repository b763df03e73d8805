//! Microsoft Entra: sign-in pages, token endpoint, device codes, discovery.

mod authorize;
mod client;
mod device;
mod discovery;
mod error;
mod issue;
mod page;
mod redirect;
mod refusals;
mod scopes;
mod tenant;
mod token;

pub(crate) use device::{approve as approve_device, deny as deny_device, polls_too_early};
pub(crate) use error::EntraError;
pub(crate) use issue::{application_access, kill_sessions};
pub(crate) use token::satisfies;

use http::Method;

use crate::{answer::Answer, call::Call, server::Shared};

/// Answers one request to the login host.
pub(crate) fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut world = shared.world();
    let world = &mut *world;
    let lower = call.lower();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    let answer = match (&call.method, parts.as_slice()) {
        (&Method::GET, [tenant, "oauth2", "v2.0", "authorize"]) => authorize::show(world, tenant, call),
        (&Method::POST, [_, "signin"]) => authorize::submit(world, call),
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => token::redeem(world, tenant, call),
        (&Method::POST, [tenant, "oauth2", "v2.0", "devicecode"]) => device::begin(world, tenant, call),
        (&Method::GET, ["devicelogin"]) => device::show(world, call),
        (&Method::POST, ["devicelogin"]) => device::submit(world, call),
        (&Method::GET, [_, "oauth2", "v2.0", "logout"]) => {
            Answer::html(200, page::message("You signed out", "It is safe to close this window."))
        }
        (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
            discovery::configuration(world, tenant)
        }
        (&Method::GET, [tenant, "discovery", "v2.0", "keys"]) => discovery::keys(world, tenant),
        (&Method::GET, ["common", "discovery", "instance"]) => discovery::instance(world, call),
        (&Method::POST, ["graph", "v1.0", "me", "revokesigninsessions"]) => {
            issue::revoke_sessions(world, call)
        }
        _ => Answer::html(404, page::message("Not found", "There is no such page.")),
    };
    error::with_common_headers(world, answer)
}
