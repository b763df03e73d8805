//! Who asks, and whether the credential reaches that far.

use super::challenge;
use crate::{
    answer::Answer,
    call::{Call, Credential},
    login::satisfies,
    scope,
    world::{AccessToken, Organisation, TENANT_ZERO, World},
};

/// A person let in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) object_id: String,
    pub(crate) upn: String,
}

impl Session {
    /// `X-VSS-UserData`, which only authenticated answers carry.
    pub(crate) fn mark(&self, answer: Answer) -> Answer {
        answer.header("x-vss-userdata", &format!("{}:{}", self.object_id, self.upn))
    }
}

/// Checks the credential against the organisation; `needed` is the scope, `None` takes any.
pub(crate) fn authenticate(
    world: &mut World,
    call: &Call,
    organisation: &Organisation,
    needed: Option<&str>,
) -> Result<Session, Answer> {
    match &call.credential {
        Credential::None | Credential::Unreadable => {
            Err(challenge::unauthenticated(world, call, Some(organisation)))
        }
        Credential::Basic { password, .. } if world.pats.iter().any(|pat| &pat.token == password) => {
            pat(world, call, organisation, password, needed)
        }
        Credential::Basic { password: token, .. } | Credential::Bearer(token) => {
            if !world.access_tokens.contains_key(token) {
                return Err(challenge::unauthenticated(world, call, Some(organisation)));
            }
            entra(world, call, organisation, token, needed)
        }
    }
}

fn pat(
    world: &mut World,
    call: &Call,
    organisation: &Organisation,
    password: &str,
    needed: Option<&str>,
) -> Result<Session, Answer> {
    let now = world.now();
    let found = world.pats.iter_mut().find(|pat| pat.token == password);
    let accepted = found.filter(|pat| {
        pat.is_live(now)
            && pat.organisation == organisation.name
            && organisation.has_member(&pat.owner)
            && needed.is_none_or(|needed| scope::allows(&pat.scopes, needed))
    });
    let owner = accepted.map(|pat| {
        pat.uses += 1;
        pat.owner.clone()
    });
    match owner.and_then(|owner| session(world, &owner)) {
        Some(session) => Ok(session),
        None => Err(challenge::dead_pat(world, call)),
    }
}

fn entra(
    world: &mut World,
    call: &Call,
    organisation: &Organisation,
    value: &str,
    needed: Option<&str>,
) -> Result<Session, Answer> {
    let (session, token) = bearer(world, call, organisation, value)?;
    if needed.is_some_and(|needed| !scope::allows(&token.scopes, needed)) {
        return Err(challenge::not_authorized(world, &session.object_id));
    }
    Ok(session)
}

/// Everything about an Entra user token but its scopes.
pub(crate) fn bearer(
    world: &mut World,
    call: &Call,
    organisation: &Organisation,
    value: &str,
) -> Result<(Session, AccessToken), Answer> {
    let Some(token) = world.access_tokens.get(value).cloned() else {
        return Err(challenge::unauthenticated(world, call, Some(organisation)));
    };
    let expired = token.expires <= world.now();
    if expired && token.jumps == world.clock.jumps() {
        world
            .journal
            .violate(format!("an access token was used after its expiry: {} {}", call.method, call.path));
    }
    if organisation.tenant == TENANT_ZERO || expired || token.for_arm {
        return Err(challenge::unauthenticated(world, call, Some(organisation)));
    }
    let user = token.user.as_ref().and_then(|name| world.users.get(name)).cloned();
    if token.user.is_none() && !token.revoked && token.tenant == organisation.tenant {
        if let Some(required) = world.required_of_applications.clone()
            && token.claims.as_deref().is_none_or(|held| !satisfies(held, &required))
        {
            return Err(challenge::insufficient_claims(world, &required));
        }
        let application = "0a0b0c0d-0000-4000-8000-00000000a5e7".to_owned();
        let session = Session { user: "sp-ci".to_owned(), object_id: application.clone(), upn: application };
        return Ok((session, token));
    }
    let Some(user) = user else {
        return Err(challenge::bearer_refused(
            world,
            "InvalidIdentityException",
            "TF400813: The user '' is not authorized to access this resource.",
        ));
    };
    if token.revoked || token.tenant != organisation.tenant {
        return Err(challenge::not_authorized(world, &user.object_id));
    }
    if let Some(required) = &user.required_claims
        && token.claims.as_deref().is_none_or(|held| !satisfies(held, required))
    {
        return Err(challenge::insufficient_claims(world, required));
    }
    if !organisation.has_member(&user.name) {
        let message = format!(
            "TF401444: Please sign-in at least once as {}\\{} in a web browser to enable access to the service.",
            token.tenant, user.upn
        );
        return Err(challenge::bearer_refused(world, "UnauthorizedRequestException", &message));
    }
    let session = Session { user: user.name, object_id: user.object_id, upn: user.upn };
    Ok((session, token))
}

fn session(world: &World, name: &str) -> Option<Session> {
    let user = world.users.get(name)?;
    Some(Session { user: user.name.clone(), object_id: user.object_id.clone(), upn: user.upn.clone() })
}
