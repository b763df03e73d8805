//! The shapes of answers.

use serde_json::{Value, json};

use super::version::Version;
use crate::{
    answer::Answer,
    world::{Organisation, Pat, World},
};

/// A `PatToken`; `secret` is shown by creation only.
pub(super) fn token(organisation: &Organisation, pat: &Pat, secret: Option<&str>) -> Value {
    json!({
        "displayName": pat.display_name,
        "validTo": pat.valid_to.dot_net(),
        "scope": pat.scopes.join(" "),
        "targetAccounts": [organisation.instance_id],
        "validFrom": pat.valid_from.dot_net(),
        "authorizationId": pat.authorization_id,
        "token": secret,
    })
}

/// 200 with a token.
pub(super) fn success(token: &Value) -> Answer {
    Answer::json(200, &json!({"patToken": token, "patTokenError": "none"}))
}

/// 200 without one: how the API refuses.
pub(super) fn refusal(world: &World, version: Version, error: &str) -> Answer {
    let mut name = error.to_owned();
    if world.switches.pascal_case_errors
        && let Some(first) = name.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    let mut body = json!({"patToken": null, "patTokenError": name});
    if version >= Version::V7_2 {
        body["patTokenErrorMessage"] = Value::from(format!("The request was refused: {error}."));
    }
    Answer::json(200, &body)
}
