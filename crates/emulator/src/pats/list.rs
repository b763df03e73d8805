//! Reading tokens back.

use serde_json::json;

use super::{
    result::{refusal, success, token},
    version::Version,
};
use crate::{
    answer::Answer,
    call::Call,
    clock::Time,
    devops::{access::Session, exception},
    world::{Organisation, Pat, World},
};

const DEFAULT_TOP: usize = 20;
const MOST: usize = 100;

pub(super) fn get(
    world: &World,
    session: &Session,
    organisation: &Organisation,
    id: &str,
    version: Version,
) -> Answer {
    let now = world.now();
    match own(world, session, organisation)
        .find(|pat| pat.authorization_id == id && is_visible(world, pat, now))
    {
        Some(pat) => success(&token(organisation, pat, None)),
        None if world.switches.unknown_pat_is_404 => {
            exception(404, "TokenNotFoundException", "The authorization was not found.")
        }
        None => refusal(world, version, "authorizationNotFound"),
    }
}

/// One page. The continuation token is bound to the filters that it was given out for.
pub(super) fn list(world: &mut World, call: &Call, session: &Session, organisation: &Organisation) -> Answer {
    let now = world.now();
    let filter = call.parameter("displayFilterOption").unwrap_or("active").to_lowercase();
    let sort = call.parameter("sortByOption").unwrap_or("displayName").to_lowercase();
    let ascending =
        call.parameter("isSortAscending").is_none_or(|value| !value.eq_ignore_ascii_case("false"));
    if !matches!(filter.as_str(), "active" | "revoked" | "expired" | "all") {
        return exception(
            400,
            "VssPropertyValidationException",
            "The value of displayFilterOption is not valid.",
        );
    }
    if !matches!(sort.as_str(), "displayname" | "displaydate" | "status") {
        return exception(400, "VssPropertyValidationException", "The value of sortByOption is not valid.");
    }
    let top = call.parameter("$top").and_then(|top| top.parse().ok()).unwrap_or(DEFAULT_TOP).clamp(1, MOST);
    let binding = format!("{}/{}/{filter}/{sort}/{ascending}", session.user, organisation.name);
    let start = match call.parameter("continuationToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => match world.pages.get(token) {
            Some((bound, start)) if *bound == binding => *start,
            _ => {
                return exception(
                    400,
                    "InvalidContinuationTokenException",
                    "The continuation token is not valid.",
                );
            }
        },
    };
    let mut found: Vec<&Pat> = own(world, session, organisation)
        .filter(|pat| is_visible(world, pat, now) && matches_filter(pat, &filter, now))
        .collect();
    match sort.as_str() {
        "displayname" => found.sort_by_key(|pat| pat.display_name.to_lowercase()),
        "displaydate" => found.sort_by_key(|pat| pat.valid_to),
        _ => found.sort_by_key(|pat| (pat.is_revoked(now), pat.is_expired(now))),
    }
    if !ascending {
        found.reverse();
    }
    let total = found.len();
    let page: Vec<_> =
        found.into_iter().skip(start).take(top).map(|pat| token(organisation, pat, None)).collect();
    let next = start + page.len();
    let continuation = if next < total {
        let token = world.random.opaque("", 48);
        world.pages.insert(token.clone(), (binding, next));
        token
    } else {
        String::new()
    };
    Answer::json(200, &json!({"continuationToken": continuation, "patTokens": page}))
}

fn own<'a>(
    world: &'a World,
    session: &'a Session,
    organisation: &'a Organisation,
) -> impl Iterator<Item = &'a Pat> {
    world
        .pats
        .iter()
        .filter(|pat| pat.listed && pat.owner == session.user && pat.organisation == organisation.name)
}

/// New tokens may take a while to show.
fn is_visible(world: &World, pat: &Pat, now: Time) -> bool {
    world.switches.list_lag == 0 || pat.created.plus(world.switches.list_lag) <= now
}

fn matches_filter(pat: &Pat, filter: &str, now: Time) -> bool {
    match filter {
        "active" => pat.is_live(now),
        "revoked" => pat.is_revoked(now),
        "expired" => pat.is_expired(now) && !pat.is_revoked(now),
        _ => true,
    }
}
