//! The token endpoint.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{
    authorize::silent_refusal,
    client, device,
    error::EntraError,
    issue::{self, Grant},
    scopes,
    tenant::Tenant,
};
use crate::{
    answer::Answer,
    call::{Call, Form},
    world::{App, Platform, SignIn, World},
};

/// RFC 8628 §3.4, and the short name that MSAL for .NET sends.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SHORT_DEVICE_GRANT: &str = "device_code";

/// Answers one token request.
pub(super) fn redeem(world: &mut World, segment: &str, call: &Call) -> Answer {
    let form_posted =
        call.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let form = call.form();
    let outcome =
        if form_posted { grant(world, segment, &form) } else { Err(EntraError::of("missing_parameter")) };
    let mut answer = outcome.unwrap_or_else(|error| error.answer(world));
    if call.header("return-client-request-id") == Some("true")
        && let Some(id) = call.header("client-request-id")
    {
        answer.set("client-request-id", id);
    }
    answer
}

fn grant(world: &mut World, segment: &str, form: &Form) -> Result<Answer, EntraError> {
    let tenant = Tenant::parse(segment)?;
    let kind = form.get("grant_type").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let app = client::check(world, form)?;
    match kind {
        "authorization_code" => code(world, &app, form),
        "refresh_token" => refresh(world, &tenant, &app, form),
        DEVICE_GRANT | SHORT_DEVICE_GRANT => device::redeem(world, &app, form),
        "client_credentials" => client_credentials(world, &tenant, &app, form),
        _ => Err(EntraError::of("unsupported_grant")),
    }
}

fn code(world: &mut World, app: &App, form: &Form) -> Result<Answer, EntraError> {
    let now = world.now();
    let value = form.get("code").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let record = world.codes.get_mut(value).ok_or_else(|| EntraError::of("malformed_grant"))?;
    if record.used {
        return Err(EntraError::of("code_reused"));
    }
    if record.sign_in.client_id != app.client_id {
        return Err(EntraError::of("malformed_grant"));
    }
    if record.expires <= now {
        return Err(EntraError::of("code_expired"));
    }
    if form.get("redirect_uri") != Some(record.redirect_uri.as_str()) {
        return Err(EntraError::of("redirect_mismatch"));
    }
    if !proves(record.challenge.as_deref(), form.get("code_verifier")) {
        return Err(EntraError::of("wrong_verifier"));
    }
    record.used = true;
    let sign_in = record.sign_in.clone();
    Ok(issue::tokens(world, &grant_of(app, &sign_in, form)))
}

/// An application's own token: no person, no refresh token.
fn client_credentials(
    world: &mut World,
    tenant: &Tenant,
    app: &App,
    form: &Form,
) -> Result<Answer, EntraError> {
    let Tenant::One(tenant) = tenant else { return Err(EntraError::of("tenant_not_found")) };
    if !matches!(app.platform, Platform::Confidential { .. }) {
        return Err(EntraError::of("not_public"));
    }
    if !form.get("scope").is_some_and(|scope| scope.ends_with("/.default")) {
        return Err(EntraError::of("invalid_scope"));
    }
    Ok(issue::application_token(world, tenant, form.get("claims").map(str::to_owned)))
}

/// RFC 7636 §4.6, S256 only; the verifier has 43 to 128 characters.
fn proves(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    let (Some(challenge), Some(verifier)) = (challenge, verifier) else { return false };
    (43..=128).contains(&verifier.len()) && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

fn refresh(world: &mut World, tenant: &Tenant, app: &App, form: &Form) -> Result<Answer, EntraError> {
    let now = world.now();
    let value = form.get("refresh_token").ok_or_else(|| EntraError::of("missing_parameter"))?;
    let token = world.refresh_tokens.get(value).cloned().ok_or_else(|| EntraError::of("malformed_grant"))?;
    if token.client_id != app.client_id {
        return Err(EntraError::of("malformed_grant"));
    }
    if token.revoked {
        return Err(EntraError::of("bad_token"));
    }
    if token.idle_until <= now {
        return Err(EntraError::of("idle"));
    }
    if token.absolute_until.is_some_and(|until| until <= now) {
        return Err(EntraError::of("spa_expired"));
    }
    let user = world.users.get(&token.user).cloned().ok_or_else(|| EntraError::of("not_in_tenant"))?;
    let tenant = tenant.of(&user)?;
    if let Some(error) = silent_refusal(user.state, token.claims.as_deref()) {
        return Err(error);
    }
    if user.claims_need_interaction
        && let Some(required) = &user.required_claims
        && token.claims.as_deref().is_none_or(|held| !satisfies(held, required))
    {
        return Err(EntraError::of("basic_action").with_claims(required.as_str()));
    }
    let scopes = scopes::parse(app, form.get("scope").unwrap_or("openid profile offline_access"))?;
    if world.switches.refresh_token_single_use
        && let Some(old) = world.refresh_tokens.get_mut(value)
    {
        old.revoked = true;
    }
    let sign_in = SignIn {
        client_id: app.client_id.clone(),
        user: user.name,
        tenant,
        scopes,
        claims: token.claims,
        nonce: None,
    };
    let grant = Grant { absolute_until: token.absolute_until, ..grant_of(app, &sign_in, form) };
    Ok(issue::tokens(world, &grant))
}

/// Does a `claims` parameter ask for everything that a resource required? Compared as JSON: order and
/// spacing are the client's.
pub(crate) fn satisfies(asked: &str, required: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (parse(asked), parse(required)) {
        (Some(asked), Some(required)) => contains(&asked, &required),
        _ => false,
    }
}

fn contains(asked: &serde_json::Value, required: &serde_json::Value) -> bool {
    match (asked, required) {
        (serde_json::Value::Object(asked), serde_json::Value::Object(required)) => {
            required.iter().all(|(name, value)| asked.get(name).is_some_and(|held| contains(held, value)))
        }
        _ => asked == required,
    }
}

pub(super) fn grant_of<'a>(app: &'a App, sign_in: &'a SignIn, form: &Form) -> Grant<'a> {
    Grant {
        app,
        sign_in,
        claims: form.get("claims").map(str::to_owned),
        absolute_until: None,
        client_info: form.get("client_info") == Some("1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_must_match_its_challenge() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves(Some(challenge), Some(verifier)));
        assert!(!proves(Some(challenge), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX")));
        assert!(!proves(Some(challenge), None));
        assert!(!proves(None, Some(verifier)));
    }

    #[test]
    fn claims_are_satisfied_when_merged_with_more() {
        let required = r#"{"access_token":{"nbf":{"essential":true,"value":"5"}}}"#;
        let merged = r#"{"access_token":{"xms_cc":{"values":["cp1"]},"nbf":{"value":"5","essential":true}}}"#;
        assert!(satisfies(merged, required));
        assert!(!satisfies(r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#, required));
    }
}
