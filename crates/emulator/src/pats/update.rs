//! Changing and revoking tokens.

use serde_json::Value;

use super::{
    create,
    result::{refusal, success, token},
    version::Version,
};
use crate::{
    answer::Answer,
    devops::{access::Session, exception},
    world::{Organisation, World},
};

pub(super) fn update(
    world: &mut World,
    session: &Session,
    organisation: &Organisation,
    body: &Value,
    version: Version,
) -> Answer {
    match change(world, session, organisation, body) {
        Ok(index) => success(&token(organisation, &world.pats[index], None)),
        Err(error) => refusal(world, version, error),
    }
}

fn change(
    world: &mut World,
    session: &Session,
    organisation: &Organisation,
    body: &Value,
) -> Result<usize, &'static str> {
    let now = world.now();
    let field = |name: &str| body.get(name).filter(|value| !value.is_null());
    let text = |name: &str| field(name).map(|value| value.as_str().unwrap_or_default());
    let id = text("authorizationId").ok_or("invalidAuthorizationId")?;
    let index = position(world, session, organisation, id).ok_or("tokenNotFound")?;
    let old = &world.pats[index];
    if old.is_revoked(now) {
        return Err("tokenNotFound");
    }
    let name = text("displayName").map(create::name).transpose()?;
    let scopes = text("scope").map(create::scopes).transpose()?;
    let mut valid_to = field("validTo").map(|value| create::end(now, value)).transpose()?;
    if valid_to.is_some() && old.is_expired(now) && world.switches.expired_cannot_be_extended {
        return Err("expiredPatCannotBeExtended");
    }
    if field("allOrgs") == Some(&Value::Bool(true)) {
        return Err("globalPATCreationBlocked");
    }
    if let (Some(asked), Some(days)) = (valid_to, organisation.policy.max_lifespan_days) {
        // Counted from the token's creation, not from now.
        valid_to = Some(asked.min(old.valid_from.plus(days * 86_400)));
    }
    let pat = &mut world.pats[index];
    if let Some(name) = name {
        pat.display_name = name;
    }
    if let Some(scopes) = scopes {
        pat.scopes = scopes;
    }
    if let Some(valid_to) = valid_to {
        pat.valid_to = valid_to.rounded();
    }
    Ok(index)
}

pub(super) fn revoke(world: &mut World, session: &Session, organisation: &Organisation, id: &str) -> Answer {
    let now = world.now();
    let (ok, repeated, lag) = {
        let switches = &world.switches;
        (switches.revoke_status, switches.repeated_revoke_status, switches.revoke_lag)
    };
    let Some(index) = position(world, session, organisation, id) else {
        return repeated_revoke(repeated);
    };
    let pat = &mut world.pats[index];
    if pat.revoked_from.is_some() {
        return repeated_revoke(repeated);
    }
    pat.revoked_from = Some(now.plus(lag));
    Answer::empty(ok)
}

fn repeated_revoke(status: u16) -> Answer {
    if status == 404 {
        exception(404, "TokenNotFoundException", "The authorization was not found.")
    } else {
        Answer::empty(status)
    }
}

fn position(world: &World, session: &Session, organisation: &Organisation, id: &str) -> Option<usize> {
    world.pats.iter().position(|pat| {
        pat.authorization_id.eq_ignore_ascii_case(id)
            && pat.listed
            && pat.owner == session.user
            && pat.organisation == organisation.name
    })
}
