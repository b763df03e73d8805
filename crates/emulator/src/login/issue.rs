//! Access, refresh and identity tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::scopes;
use crate::{
    answer::Answer,
    call::{Call, Credential},
    certificate::Signer,
    clock::Time,
    world::{AccessToken, App, RESOURCE, RefreshToken, SignIn, User, World},
};

/// Seconds a refresh token lives unused.
const IDLE: i64 = 90 * 86_400;
/// Seconds a single-page application's refresh tokens live in all.
const SPA: i64 = 86_400;

/// What a grant yields.
pub(super) struct Grant<'a> {
    pub(super) app: &'a App,
    pub(super) sign_in: &'a SignIn,
    /// The `claims` parameter of this very request.
    pub(super) claims: Option<String>,
    /// Carried over from the refresh token of a single-page application.
    pub(super) absolute_until: Option<Time>,
    pub(super) client_info: bool,
}

/// The token endpoint's 200.
pub(super) fn tokens(world: &mut World, grant: &Grant<'_>) -> Answer {
    let sign_in = grant.sign_in;
    let Some(user) = world.users.get(&sign_in.user).cloned() else { return Answer::empty(500) };
    let claims = grant.claims.clone().or_else(|| sign_in.claims.clone());
    let lifetime = lifetime(world, claims.as_deref());
    let access = access_token(world, grant, &user, lifetime, claims);
    let mut body = json!({
        "token_type": "Bearer",
        "scope": scopes::granted(grant.app, &sign_in.scopes),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access,
    });
    if world.switches.refresh_in {
        body["refresh_in"] = Value::from(lifetime / 2);
    }
    let asked = |scope: &str| sign_in.scopes.iter().any(|held| held == scope);
    if asked("offline_access") {
        body["refresh_token"] = Value::from(refresh_token(world, grant));
    }
    if asked("openid") {
        body["id_token"] = Value::from(id_token(world, grant, &user));
    }
    if grant.client_info {
        body["client_info"] = Value::from(client_info(&user));
    }
    Answer::json(200, &body)
}

fn lifetime(world: &mut World, claims: Option<&str>) -> i64 {
    let drawn = world.random.between(3600, 5400);
    let long = claims.is_some_and(|claims| claims.contains("\"cp1\""));
    world.switches.token_lifetime.unwrap_or(if long { 80_000 } else { drawn })
}

fn access_token(
    world: &mut World,
    grant: &Grant<'_>,
    user: &User,
    lifetime: i64,
    claims: Option<String>,
) -> String {
    let expires = world.now().plus(lifetime);
    let tenant = &grant.sign_in.tenant;
    let value = if world.switches.opaque_access_tokens {
        world.random.opaque("EwB", 1500)
    } else {
        let body = json!({
            "aud": RESOURCE, "iss": format!("https://sts.windows.net/{tenant}/"), "tid": tenant,
            "oid": object_id(user, tenant), "upn": user.upn, "name": user.display_name, "exp": expires.seconds(),
            "scp": grant.app.permissions.join(" "), "uti": world.random.guid(),
        });
        signed(&body)
    };
    let named = scopes::names_resource(&grant.sign_in.scopes);
    let token = AccessToken {
        user: Some(user.name.clone()),
        tenant: tenant.clone(),
        scopes: if named { grant.app.permissions.clone() } else { Vec::new() },
        for_arm: scopes::names_arm(&grant.sign_in.scopes),
        expires,
        revoked: false,
        claims,
        jumps: world.clock.jumps(),
    };
    world.access_tokens.insert(value.clone(), token);
    value
}

/// A token that an application holds for itself.
pub(super) fn application_token(world: &mut World, tenant: &str, claims: Option<String>) -> Answer {
    let (value, lifetime) = application_access(world, tenant);
    if let Some(token) = world.access_tokens.get_mut(&value) {
        token.claims = claims;
    }
    let body = json!({
        "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": value,
    });
    Answer::json(200, &body)
}

/// The token alone, and the seconds it lives.
pub(crate) fn application_access(world: &mut World, tenant: &str) -> (String, i64) {
    let lifetime = lifetime(world, None);
    let value = world.random.opaque("EwB", 1500);
    let token = AccessToken {
        user: None,
        tenant: tenant.to_owned(),
        scopes: vec!["vso.code_write".to_owned(), "vso.packaging_write".to_owned()],
        for_arm: false,
        expires: world.now().plus(lifetime),
        revoked: false,
        claims: None,
        jumps: world.clock.jumps(),
    };
    world.access_tokens.insert(value.clone(), token);
    (value, lifetime)
}

fn refresh_token(world: &mut World, grant: &Grant<'_>) -> String {
    let spa = grant.app.platform == crate::world::Platform::SinglePage;
    let now = world.now();
    let value = world.random.opaque("1.A", 1200);
    let token = RefreshToken {
        client_id: grant.app.client_id.clone(),
        user: grant.sign_in.user.clone(),
        idle_until: now.plus(IDLE),
        absolute_until: grant.absolute_until.or_else(|| spa.then(|| now.plus(SPA))),
        claims: grant.sign_in.claims.clone(),
        revoked: false,
    };
    world.refresh_tokens.insert(value.clone(), token);
    value
}

fn id_token(world: &mut World, grant: &Grant<'_>, user: &User) -> String {
    let now = world.now().seconds();
    let tenant = &grant.sign_in.tenant;
    let mut claims = json!({
        "aud": grant.app.client_id, "iss": format!("{}/{tenant}/v2.0", world.urls.login),
        "iat": now, "nbf": now, "exp": now + 3600, "name": user.display_name,
        "oid": object_id(user, tenant), "preferred_username": user.upn, "sub": world.random.opaque("", 43),
        "tid": tenant, "uti": world.random.opaque("", 22), "ver": "2.0",
    });
    if let Some(nonce) = &grant.sign_in.nonce {
        claims["nonce"] = Value::from(nonce.as_str());
    }
    signed(&claims)
}

fn signed(claims: &Value) -> String {
    Signer::shared().and_then(|signer| signer.jwt(claims)).unwrap_or_default()
}

/// A guest has another object identifier in each tenant; only `client_info` stays.
fn object_id(user: &User, tenant: &str) -> String {
    if tenant == user.home() { user.object_id.clone() } else { format!("99999999{}", &user.object_id[8..]) }
}

/// `client_info`: the account's home identifiers, base64url of JSON.
pub(super) fn client_info(user: &User) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.object_id, "utid": user.home()}).to_string())
}

/// Graph's `revokeSignInSessions`, for the bearer's own sessions.
pub(super) fn revoke_sessions(world: &mut World, call: &Call) -> Answer {
    let Credential::Bearer(token) = &call.credential else { return Answer::empty(401) };
    let Some(user) = world.access_tokens.get(token).and_then(|token| token.user.clone()) else {
        return Answer::empty(401);
    };
    kill_sessions(world, &user);
    Answer::json(200, &json!({"value": true}))
}

/// Every refresh token of this person answers `bad_token` from now on.
pub(crate) fn kill_sessions(world: &mut World, user: &str) {
    for token in world.refresh_tokens.values_mut().filter(|token| token.user == user) {
        token.revoked = true;
    }
}
