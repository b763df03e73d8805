//! Trusted Publishing: an identity token of a build for a key that lives minutes (Microsoft: "Trusted
//! Publishing", nuget.org).

use serde_json::{Value, json};

use super::{Action, Gallery, Kind, NewKey};
use crate::{
    answer::Answer,
    call::{Call, Credential},
    world::World,
};

const AUDIENCE: &str = "https://www.nuget.org";

/// Which builds may publish for whom.
#[derive(Debug, Clone)]
pub(crate) struct TrustPolicy {
    /// The person whose policy it is.
    pub(crate) user: String,
    /// For whom its keys publish.
    pub(crate) owner: String,
    pub(crate) issuer: String,
    /// `owner/name`.
    pub(crate) repository: String,
    /// The workflow's file name; `None` where the issuer has none.
    pub(crate) workflow: Option<String>,
    pub(crate) globs: Vec<String>,
}

/// `POST /api/v2/token`.
pub(super) fn exchange(world: &mut World, call: &Call) -> Answer {
    if !world.switches.trusted_publishing {
        return Answer::empty(404);
    }
    match user(call).and_then(|user| policy(world, call, &user)) {
        Ok(policy) => key(world, policy),
        Err((status, message)) => {
            let answer = Answer::json(status, &json!({"error": message})).reason(&message);
            if status == 401 { answer.header("www-authenticate", "Bearer") } else { answer }
        }
    }
}

type Refusal = (u16, String);

fn user(call: &Call) -> Result<String, Refusal> {
    let content_type = call.header("content-type").unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/json") {
        return Err((415, "The request must have a content type of 'application/json'.".to_owned()));
    }
    if call.header("user-agent").is_none_or(str::is_empty) {
        return Err((400, "A User-Agent header is required.".to_owned()));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|_| (400, "The request body is not valid JSON.".to_owned()))?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if field("tokenType") != "ApiKey" {
        return Err((400, "The tokenType property in the request body must set to 'ApiKey'.".to_owned()));
    }
    let user = field("username");
    if user.is_empty() {
        return Err((400, "The username property in the request body is required.".to_owned()));
    }
    Ok(user)
}

fn policy(world: &mut World, call: &Call, user: &str) -> Result<TrustPolicy, Refusal> {
    let Credential::Bearer(bearer) = &call.credential else {
        return Err((401, "The bearer token is missing from the Authorization header.".to_owned()));
    };
    let (now, base) = (world.now(), world.urls.nuget.clone());
    let token = world.oidc.token(bearer);
    let token = token.ok_or((401, "The bearer token could not be parsed as a JSON web token.".to_owned()))?;
    if token.expires <= now {
        return Err((401, "The JSON web token has expired.".to_owned()));
    }
    if token.audience != AUDIENCE && token.audience != base {
        return Err((401, "The JSON web token has an incorrect audience.".to_owned()));
    }
    if Gallery::is_organisation(user) {
        return Err((400, format!("The user '{user}' is an organization. A user account is required.")));
    }
    if world.gallery.is_locked(user) {
        return Err((400, format!("The user '{user}' is locked.")));
    }
    let matching = |policy: &&TrustPolicy| {
        policy.user.eq_ignore_ascii_case(user)
            && policy.issuer == token.issuer
            && policy.repository.eq_ignore_ascii_case(&token.repository)
            && policy.workflow == token.workflow
    };
    let policy = world.gallery.policies.iter().find(matching).cloned();
    let policy =
        policy.ok_or_else(|| (401, format!("No matching trust policy owned by user '{user}' was found.")))?;
    if token.used {
        let message =
            "This bearer token has already been used. A new bearer token must be used for each request.";
        return Err((401, message.to_owned()));
    }
    token.used = true;
    Ok(policy)
}

fn key(world: &mut World, policy: TrustPolicy) -> Answer {
    let new = NewKey {
        kind: Kind::V5,
        owner: policy.owner,
        globs: policy.globs,
        actions: vec![Action::Push, Action::PushVersion, Action::Unlist],
        lifetime: world.switches.trusted_key_lifetime,
        repository: Some(policy.repository),
    };
    let now = world.now();
    let made = world.gallery.make(&mut world.random, now, new);
    Answer::json(
        200,
        &json!({"tokenType": "ApiKey", "expires": made.expires.dot_net(), "apiKey": made.secret}),
    )
}
