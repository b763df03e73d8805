//! Whether a key opens what is asked.

use serde_json::json;

use super::{Action, ApiKey, Kind};
use crate::{answer::Answer, call::Call, clock::Time, world::World};

const MISSING: &str = "An API key must be provided in the 'X-NuGet-ApiKey' header to use this service";
const REFUSED: &str = "The specified API key is invalid, has expired, or does not have permission to access the \
                       specified package.";
/// Days before a key's end from which on its holder is warned.
const WARNING_DAYS: i64 = 10;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// The place of the key that the request carries, when it is one that still opens anything.
pub(super) fn presented(world: &mut World, call: &Call) -> Result<usize, Answer> {
    let secret = call.header("x-nuget-apikey").filter(|secret| !secret.is_empty());
    let Some(secret) = secret else {
        return Err(Answer::phrase(401, MISSING).header("www-authenticate", "ApiKey realm=\"www.nuget.org\""));
    };
    let now = world.now();
    let at = world.gallery.find(secret).ok_or_else(refused)?;
    let key = &world.gallery.keys[at];
    if !key.is_live(now) || world.gallery.is_locked(&key.owner) {
        return Err(refused());
    }
    world.gallery.keys[at].uses += 1;
    Ok(at)
}

/// The same words for every reason, so that a key cannot be probed.
pub(super) fn refused() -> Answer {
    Answer::phrase(403, REFUSED)
}

/// May this key do one of these things to this package? A new package has no owners yet.
pub(super) fn permits(world: &World, at: usize, id: &str, actions: &[Action]) -> bool {
    let key = &world.gallery.keys[at];
    let owned = world
        .gallery
        .owners(id)
        .is_none_or(|owners| owners.iter().any(|owner| owner.eq_ignore_ascii_case(&key.owner)));
    owned && key.covers(id) && actions.iter().any(|action| key.actions.contains(action))
}

/// May this key do any of these things at all? Without that it is not told what is there.
pub(super) fn is_for(world: &World, at: usize, actions: &[Action]) -> bool {
    actions.iter().any(|action| world.gallery.keys[at].actions.contains(action))
}

/// Refuses when this many of these came within the last hour.
pub(super) fn limit(times: &[Time], most: usize, now: Time) -> Result<(), Answer> {
    let recent: Vec<&Time> = times.iter().filter(|time| time.plus(HOUR) > now).collect();
    if recent.len() < most {
        return Ok(());
    }
    let end = recent.first().map_or(now.plus(HOUR), |first| first.plus(HOUR));
    let whole = end.seconds() - now.seconds();
    // Not a part of a second too early.
    let wait = if now.plus(whole) < end { whole + 1 } else { whole };
    let message = format!("Rate limit is exceeded. Try again in {wait} seconds.");
    Err(Answer::json(429, &json!({"statusCode": 429, "message": message}))
        .header("retry-after", &wait.to_string()))
}

/// Adds `X-NuGet-Warning` when the key that came ends soon; keys that carry their end get none.
pub(super) fn warned(world: &World, call: &Call, answer: Answer) -> Answer {
    let now = world.now();
    let secret = call.header("x-nuget-apikey").unwrap_or_default();
    let key = world.gallery.find(secret).map(|at| &world.gallery.keys[at]);
    match key.filter(|key| key.is_live(now) && key.kind == Kind::V4).and_then(|key| days_left(key, now)) {
        Some(days) => answer.header(
            "x-nuget-warning",
            &format!(
                "Your API key expires in {days} day{}. Visit https://www.nuget.org/account/ApiKeys to regenerate \
                 your API key.",
                if days == 1 { "" } else { "s" }
            ),
        ),
        None => answer,
    }
}

fn days_left(key: &ApiKey, now: Time) -> Option<i64> {
    let left = key.expires.seconds() - now.seconds();
    (left <= WARNING_DAYS * DAY).then(|| (left + DAY / 2) / DAY)
}
