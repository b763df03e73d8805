//! `connectionData`: the cheapest question whether a credential is alive.

use serde_json::json;

use super::{access, error::exception, location};
use crate::{
    answer::Answer,
    call::Call,
    world::{Organisation, World},
};

/// `GET /{org}/_apis/connectionData`. Any live credential of the organisation will do.
pub(crate) fn data(world: &mut World, call: &Call, organisation: &Organisation) -> Answer {
    let session = match access::authenticate(world, call, organisation, None) {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    if call.api_version().is_some_and(|version| !version.contains("-preview")) {
        let message = "The requested version of the resource is under preview. The -preview flag must be supplied \
                       in the api-version for such requests.";
        return session.mark(exception(400, "VssInvalidPreviewVersionException", message));
    }
    let name = world.users.get(&session.user).map(|user| user.display_name.clone());
    let identity = json!({
        "id": session.object_id,
        "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{}\\{}", organisation.tenant, session.upn),
        "providerDisplayName": name,
        "isActive": true,
        "properties": {"Account": {"$type": "System.String", "$value": session.upn}},
    });
    let answer = Answer::json(
        200,
        &json!({
            "authenticatedUser": identity, "authorizedUser": identity,
            "instanceId": organisation.instance_id, "deploymentType": "hosted",
            "instanceType": location::owner(call),
            "locationServiceData": location::data(world, call, organisation),
        }),
    );
    session.mark(answer)
}
