//! Azure Resource Manager, as far as the Azure CLI asks it at a sign-in (Microsoft: "Tenants - List",
//! "Subscriptions - List").

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    call::{Call, Credential},
    world::World,
};

/// `GET /tenants` and `GET /subscriptions`: every tenant of the person, and no subscription in any.
pub(crate) fn handle(world: &World, call: &Call) -> Answer {
    let token = match &call.credential {
        Credential::Bearer(value) => world.access_tokens.get(value),
        _ => None,
    };
    let user = token
        .filter(|token| token.for_arm && !token.revoked && token.expires > world.now())
        .and_then(|token| world.users.get(token.user.as_ref()?));
    let Some(user) = user else {
        let body = json!({"error": {"code": "AuthenticationFailed", "message": "Authentication failed."}});
        return Answer::json(401, &body);
    };
    match call.path.trim_end_matches('/') {
        "/tenants" => {
            let tenant = |id: &String| {
                let category = if id == user.home() { "Home" } else { "ProjectedBy" };
                json!({"id": format!("/tenants/{id}"), "tenantId": id, "tenantCategory": category})
            };
            let tenants: Vec<Value> = user.tenants.iter().map(tenant).collect();
            Answer::json(200, &json!({"value": tenants}))
        }
        "/subscriptions" => Answer::json(200, &json!({"value": [], "count": {"type": "Total", "value": 0}})),
        _ => Answer::json(404, &json!({"error": {"code": "NotFound", "message": "Not found."}})),
    }
}
