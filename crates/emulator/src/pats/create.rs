//! Creating a token.

use serde_json::Value;

use super::{
    result::{refusal, success, token},
    version::Version,
};
use crate::{
    answer::Answer,
    clock::Time,
    devops::{access::Session, exception},
    scope,
    switches::{CreationRefusal, LifespanPolicy},
    world::{Organisation, Pat, Restriction, World},
};

/// Seconds a token lives when the request names no end.
const DEFAULT_LIFETIME: i64 = 30 * 86_400;
/// Microsoft: at most one year.
const LONGEST: i64 = 366 * 86_400;
/// The emulator's own figure; Microsoft gives none.
pub(super) const LONGEST_NAME: usize = 255;

/// What a request asks for, once its form is right.
pub(super) struct Wanted {
    pub(super) display_name: String,
    pub(super) scopes: Vec<String>,
    pub(super) valid_to: Time,
}

pub(super) fn create(
    world: &mut World,
    session: &Session,
    organisation: &Organisation,
    body: &Value,
    version: Version,
) -> Answer {
    world.journal.check_creation(world.clock.now(), body);
    let outcome =
        wanted(world.now(), body).and_then(|wanted| permit(world, session, organisation, body, wanted));
    match outcome {
        Ok(wanted) => {
            let pat =
                mint(world, &session.user, organisation, wanted.display_name, wanted.scopes, wanted.valid_to);
            world.journal.mail_creation(world.clock.now(), &session.upn, &pat);
            success(&token(organisation, &pat, Some(&pat.token)))
        }
        Err(Refused::Named(error)) => refusal(world, version, error),
        Err(Refused::Forbidden) => {
            let message =
                "Access denied: creating personal access tokens is restricted in this organization.";
            exception(403, "AccessDeniedException", message)
        }
    }
}

pub(super) enum Refused {
    Named(&'static str),
    Forbidden,
}

fn wanted(now: Time, body: &Value) -> Result<Wanted, Refused> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(Wanted {
        display_name: name(text("displayName")).map_err(Refused::Named)?,
        scopes: scopes(text("scope")).map_err(Refused::Named)?,
        valid_to: match body.get("validTo") {
            None | Some(Value::Null) => now.plus(DEFAULT_LIFETIME),
            Some(value) => end(now, value).map_err(Refused::Named)?,
        },
    })
}

pub(super) fn name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("displayNameRequired"),
        name if name.chars().count() > LONGEST_NAME => Err("invalidDisplayName"),
        name => Ok(name.to_owned()),
    }
}

/// One space between scopes; anything else is no scope.
pub(super) fn scopes(text: &str) -> Result<Vec<String>, &'static str> {
    let scopes: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if scopes.iter().all(|one| scope::is_known(one)) { Ok(scopes) } else { Err("invalidScope") }
}

pub(super) fn end(now: Time, value: &Value) -> Result<Time, &'static str> {
    let time = value.as_str().and_then(Time::parse).ok_or("invalidValidTo")?;
    if time <= now || time > now.plus(LONGEST) { Err("invalidValidTo") } else { Ok(time) }
}

/// The organisation's and the tenant's policies.
fn permit(
    world: &World,
    session: &Session,
    organisation: &Organisation,
    body: &Value,
    mut wanted: Wanted,
) -> Result<Wanted, Refused> {
    let policy = &organisation.policy;
    let exempt = policy.exempt.contains(&session.user);
    if body.get("allOrgs").and_then(Value::as_bool) == Some(true) {
        let error = if policy.no_global { "globalPatPolicyViolation" } else { "globalPATCreationBlocked" };
        return Err(Refused::Named(error));
    }
    if exempt {
        return Ok(wanted);
    }
    if policy.no_full_scope && wanted.scopes.iter().any(|one| one == scope::FULL) {
        return Err(Refused::Named("fullScopePatPolicyViolation"));
    }
    let restricted = match policy.restrict_creation {
        None => false,
        Some(Restriction::All) => true,
        Some(Restriction::AllButPackaging) => !wanted.scopes.iter().all(|one| scope::is_packaging(one)),
    };
    if restricted {
        return Err(match world.switches.creation_refusal {
            CreationRefusal::PolicyViolation => Refused::Named("disablePatCreationPolicyViolation"),
            CreationRefusal::AccessDenied => Refused::Named("accessDenied"),
            CreationRefusal::Forbidden => Refused::Forbidden,
        });
    }
    if let Some(days) = policy.max_lifespan_days {
        let longest = world.now().plus(days * 86_400);
        if wanted.valid_to > longest {
            if world.switches.lifespan_policy == LifespanPolicy::Refuse {
                return Err(Refused::Named("patLifespanPolicyViolation"));
            }
            wanted.valid_to = longest;
        }
    }
    Ok(wanted)
}

/// Makes the token, whatever the policies say.
pub(crate) fn mint(
    world: &mut World,
    user: &str,
    organisation: &Organisation,
    display_name: String,
    scopes: Vec<String>,
    valid_to: Time,
) -> Pat {
    let now = world.now();
    let token = if world.switches.short_pats { world.random.short_pat() } else { world.random.pat() };
    let pat = Pat {
        authorization_id: world.random.guid(),
        token,
        display_name,
        scopes,
        owner: user.to_owned(),
        organisation: organisation.name.clone(),
        created: now,
        valid_from: now.rounded(),
        valid_to: valid_to.rounded(),
        revoked_from: None,
        by_control: false,
        listed: true,
        uses: 0,
    };
    world.pats.push(pat.clone());
    pat
}
