//! Session tokens: the older door that first-party tools use.

use serde_json::{Value, json};

use super::create;
use crate::{
    answer::Answer,
    call::{Call, Credential},
    certificate::Signer,
    devops::{access, challenge, exception},
    scope,
    switches::SelfDescribing,
    world::{Organisation, Pat, Restriction, World},
};

/// Seconds a self-describing token lives by default, and at most.
const SELF_DESCRIBING: i64 = 4 * 3600;
/// Seconds a compact token lives by default.
const COMPACT: i64 = 90 * 86_400;

/// `POST …/_apis/token/sessiontokens`.
pub(crate) fn session_token(world: &mut World, call: &Call, organisation: &Organisation) -> Answer {
    let Credential::Bearer(value) = call.credential.clone() else {
        return challenge::unauthenticated(world, call, Some(organisation));
    };
    let session = match access::bearer(world, call, organisation, &value) {
        Ok((session, token)) if scope::allows(&token.scopes, "vso.pats_manage") => session,
        Ok((session, _)) => return challenge::not_authorized(world, &session.object_id),
        Err(answer) => return answer,
    };
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let Ok(scopes) = create::scopes(text("scope").unwrap_or_default()) else {
        return exception(400, "SessionTokenCreateException", "InvalidScope");
    };
    let exempt = organisation.policy.exempt.contains(&session.user);
    let restricted = match organisation.policy.restrict_creation {
        _ if exempt => false,
        None => false,
        Some(Restriction::All) => true,
        Some(Restriction::AllButPackaging) => !scopes.iter().all(|one| scope::is_packaging(one)),
    };
    let compact =
        !call.parameter("tokenType").is_some_and(|kind| kind.eq_ignore_ascii_case("selfdescribing"));
    let answer = if compact { SelfDescribing::PolicyViolation } else { world.switches.self_describing };
    match answer {
        SelfDescribing::PolicyViolation if restricted => {
            return exception(400, "SessionTokenCreateException", "DisablePatCreationPolicyViolation");
        }
        SelfDescribing::Forbidden if restricted => {
            let message = "Access denied: creating session tokens is restricted in this organization.";
            return exception(403, "AccessDeniedException", message);
        }
        _ => {}
    }
    let now = world.now();
    let valid_to = match body.get("validTo").filter(|value| !value.is_null()) {
        None => now.plus(if compact { COMPACT } else { SELF_DESCRIBING }),
        Some(value) => match create::end(now, value) {
            Ok(time) => time,
            Err(_) => return exception(400, "SessionTokenCreateException", "InvalidValidTo"),
        },
    };
    if let Some(days) = organisation.policy.max_lifespan_days
        && compact
        && body.get("validTo").is_some_and(|value| !value.is_null())
        && valid_to > now.plus(days * 86_400)
    {
        return exception(400, "SessionTokenCreateException", "PatLifespanPolicyViolation");
    }
    let name = text("displayName").unwrap_or_default().to_owned();
    let mut pat = create::mint(world, &session.user, organisation, name, scopes, valid_to);
    if compact {
        world.journal.mail_creation(world.clock.now(), &session.upn, &pat);
    } else if let Some(made) = world.pats.last_mut() {
        made.token = self_describing(made, &session.object_id, &organisation.instance_id);
        made.listed = false;
        pat.token.clone_from(&made.token);
    }
    let answer = Answer::json(
        200,
        &json!({
            "displayName": pat.display_name, "scope": pat.scopes.join(" "), "validTo": pat.valid_to.dot_net(),
            "validFrom": pat.valid_from.dot_net(), "authorizationId": pat.authorization_id, "token": pat.token,
            "targetAccounts": [organisation.instance_id], "isValid": true,
        }),
    );
    session.mark(answer)
}

/// A JWT that names its bearer and its scopes, as a build's access token does.
fn self_describing(pat: &Pat, object_id: &str, instance_id: &str) -> String {
    let claims = json!({
        "nameid": object_id, "scp": pat.scopes.join(" "), "aui": pat.authorization_id,
        "iss": "app.vstoken.visualstudio.com", "aud": format!("app.vstoken.visualstudio.com|vso:{instance_id}"),
        "nbf": pat.valid_from.seconds(), "exp": pat.valid_to.seconds(),
    });
    Signer::shared().and_then(|signer| signer.jwt(&claims)).unwrap_or_default()
}
