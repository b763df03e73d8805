//! Metadata documents.

use serde_json::json;

use super::{error::EntraError, tenant::Tenant};
use crate::{answer::Answer, call::Call, certificate::Signer, world::World};

/// Hosts of the public cloud that mean the same authority (Microsoft: MSAL, known aliases).
const ALIASES: &[&str] =
    &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// OpenID configuration of a tenant.
pub(super) fn configuration(world: &mut World, segment: &str) -> Answer {
    let issuer = match Tenant::parse(segment) {
        Ok(Tenant::Home) => "{tenantid}".to_owned(),
        Ok(Tenant::One(_)) if segment == "consumers" => "{tenantid}".to_owned(),
        Ok(Tenant::One(tenant)) => tenant,
        Err(_) => return EntraError::of("invalid_tenant").answer(world),
    };
    let base = format!("{}/{segment}", world.urls.login);
    Answer::json(
        200,
        &json!({
            "issuer": format!("{}/{issuer}/v2.0", world.urls.login),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
        }),
    )
}

/// The keys that id_tokens are signed with.
pub(super) fn keys(world: &mut World, segment: &str) -> Answer {
    if Tenant::parse(segment).is_err() {
        return EntraError::of("invalid_tenant").answer(world);
    }
    match Signer::shared().ok().and_then(Signer::key_set) {
        Some(keys) => Answer::json(200, &keys),
        None => Answer::empty(500),
    }
}

/// Instance discovery: which hosts are one authority.
pub(super) fn instance(world: &World, call: &Call) -> Answer {
    let asked = call.parameter("authorization_endpoint").and_then(|uri| url::Url::parse(uri).ok());
    let host = asked.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    let own = url::Url::parse(&world.urls.login).ok();
    let known = ALIASES.contains(&host) || own.as_ref().and_then(url::Url::host_str) == Some(host);
    if !known {
        return Answer::json(
            400,
            &json!({"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."}),
        );
    }
    Answer::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{}/common/v2.0/.well-known/openid-configuration", world.urls.login),
            "api-version": "1.1",
            "metadata": [{"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": ALIASES}],
        }),
    )
}
