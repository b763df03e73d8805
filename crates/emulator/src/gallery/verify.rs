//! Asking what a key may push without pushing (Microsoft: "Push Symbol Packages, NuGet API").

use serde_json::json;

use super::{
    Action, Kind, NewKey,
    authorise::{is_for, permits, presented, refused},
};
use crate::{answer::Answer, call::Call, world::World};

const DAY: i64 = 86_400;
const PUSHING: &[Action] = &[Action::Push, Action::PushVersion];

/// `POST /api/v2/package/create-verification-key/{id}[/{version}]`. Nobody checks that the package exists.
pub(super) fn create(world: &mut World, call: &Call, id: &str, _version: Option<&str>) -> Answer {
    let at = match presented(world, call) {
        Ok(at) => at,
        Err(answer) => return answer,
    };
    let key = &world.gallery.keys[at];
    if !PUSHING.iter().any(|action| key.actions.contains(action)) || !key.covers(id) {
        return refused();
    }
    let new = NewKey {
        kind: Kind::Verify { id: id.to_lowercase() },
        owner: key.owner.clone(),
        globs: Vec::new(),
        actions: Vec::new(),
        lifetime: DAY,
        repository: None,
    };
    let now = world.now();
    let made = world.gallery.make(&mut world.random, now, new);
    Answer::json(200, &json!({"Key": made.secret, "Expires": made.expires.dot_net()}))
}

/// `GET /api/v2/verifykey/{id}[/{version}]`. A key made for this is spent, whatever the answer.
pub(super) fn verify(world: &mut World, call: &Call, id: &str, version: Option<&str>) -> Answer {
    let at = match presented(world, call) {
        Ok(at) => at,
        Err(answer) => return answer,
    };
    let is_verify = matches!(world.gallery.keys[at].kind, Kind::Verify { .. });
    if !is_verify && !is_for(world, at, PUSHING) {
        return refused();
    }
    let known = match version {
        Some(version) => world.gallery.shelf.get(id, version).is_some(),
        None => world.gallery.owners(id).is_some(),
    };
    let key = &mut world.gallery.keys[at];
    let permitted = if let Kind::Verify { id: only } = &key.kind {
        key.revoked = true;
        let owner = key.owner.clone();
        *only == id.to_lowercase()
            && world.gallery.owners(id).is_some_and(|owners| owners.contains(&owner.to_lowercase()))
    } else {
        permits(world, at, id, PUSHING)
    };
    if !known {
        let version = version.unwrap_or_default();
        let message = format!("A package with ID '{id}' and version '{version}' does not exist.");
        return Answer::phrase(404, &message);
    }
    if permitted { Answer::empty(200) } else { refused() }
}
