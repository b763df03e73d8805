//! Managed identities (Microsoft: "How to use managed identities to get an access token", "Managed identities in App
//! Service"). Numbers come in strings, as Azure writes them. Azure Arc is told by its port.

use serde_json::json;

use crate::{
    answer::Answer,
    arc,
    call::Call,
    login,
    world::{MANAGED_IDENTITY, RESOURCE, TENANT_HOME, World},
};

const APP_SERVICE: &str = "/msi/token";

/// `GET /metadata/identity/oauth2/token` for a virtual machine, `GET /msi/token` for an app service.
pub(crate) fn handle(world: &mut World, call: &Call) -> Answer {
    if arc::is_for(call) {
        return arc::handle(world, call);
    }
    let app_service = call.path == APP_SERVICE;
    if !app_service && call.path != "/metadata/identity/oauth2/token" {
        return Answer::json(404, &json!({"error": "not_found", "error_description": "no such endpoint"}));
    }
    let bad =
        |error: &str, text: &str| Answer::json(400, &json!({"error": error, "error_description": text}));
    let version = call.parameter("api-version");
    if app_service {
        if call.header("x-identity-header") != world.machines.header() {
            return Answer::json(401, &json!({"statusCode": 401, "message": "Unauthorized"}));
        }
        if version != Some("2019-08-01") {
            return bad("invalid_request", "api-version is not supported");
        }
    } else if call.header("metadata") != Some("true") || call.headers.contains_key("x-forwarded-for") {
        return bad("invalid_request", "Required metadata header not specified");
    } else if version != Some("2018-02-01") {
        return bad("bad_request_102", "Required api-version parameter not specified");
    }
    if call.parameter("client_id").is_some_and(|asked| !asked.eq_ignore_ascii_case(MANAGED_IDENTITY)) {
        return bad("identity_not_found", "Identity not found");
    }
    token(world, call, Some(MANAGED_IDENTITY))
}

/// The token that was asked for, and the name of the identity where it is told.
pub(crate) fn token(world: &mut World, call: &Call, identity: Option<&str>) -> Answer {
    if call.parameter("resource") != Some(RESOURCE) {
        let text = "AADSTS500011: The resource principal was not found in the tenant.";
        return Answer::json(400, &json!({"error": "invalid_resource", "error_description": text}));
    }
    let (token, lifetime) = login::application_access(world, TENANT_HOME);
    let now = world.now().seconds();
    let mut body = json!({
        "access_token": token, "expires_on": (now + lifetime).to_string(), "resource": RESOURCE,
        "token_type": "Bearer",
    });
    if let Some(identity) = identity {
        body["client_id"] = json!(identity);
    }
    if call.path != APP_SERVICE {
        body["expires_in"] = json!(lifetime.to_string());
        body["ext_expires_in"] = json!(lifetime.to_string());
        body["not_before"] = json!(now.to_string());
    }
    Answer::json(200, &body)
}
