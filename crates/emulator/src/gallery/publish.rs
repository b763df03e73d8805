//! Push, unlist, relist.

use super::{
    Action,
    authorise::{is_for, limit, permits, presented, refused},
};
use crate::{
    answer::Answer,
    call::Call,
    packages::{Package, order, read, uploaded},
    world::World,
};

const TOO_OLD: &str = "A client version '4.1.0' or higher is required to be able to push packages.";

/// `PUT /api/v2/package`.
pub(super) fn push(world: &mut World, call: &Call) -> Answer {
    match admitted(world, call) {
        Ok((at, mut package)) => {
            let now = world.now();
            let key = &mut world.gallery.keys[at];
            key.pushes.push(now);
            package.pushed_by = Some(format!("key {}", key.number));
            let owner = key.owner.clone();
            world.gallery.own(&package.id, &owner);
            world.gallery.shelf.add(package);
            Answer::empty(201)
        }
        Err(answer) => answer,
    }
}

fn admitted(world: &mut World, call: &Call) -> Result<(usize, Package), Answer> {
    let at = presented(world, call)?;
    if !is_new_enough(call) {
        return Err(Answer::phrase(400, TOO_OLD));
    }
    let bytes =
        uploaded(call).ok_or_else(|| Answer::phrase(400, "A nuget package's contents must be sent."))?;
    let package = read(&bytes).map_err(|message| Answer::phrase(400, &message))?;
    let key = &world.gallery.keys[at];
    limit(&key.pushes, world.switches.pushes_per_hour, world.now())?;
    let is_new = world.gallery.owners(&package.id).is_none();
    let actions = if is_new { &[Action::Push][..] } else { &[Action::Push, Action::PushVersion] };
    if !permits(world, at, &package.id, actions) {
        return Err(refused());
    }
    if is_new && world.gallery.is_reserved_from(&package.id, &key.owner) {
        return Err(Answer::phrase(
            409,
            "This package ID has been reserved. You can request access to upload to this reserved namespace from \
             the owner of the reserved namespace, or re-upload the package with a different ID.",
        ));
    }
    if world.gallery.is_locked(&package.id) {
        let message = format!("The package '{}' is locked and cannot be modified.", package.id);
        return Err(Answer::phrase(403, &message));
    }
    if world.gallery.shelf.get(&package.id, &package.version).is_some() {
        let message = format!(
            "A package with ID '{}' and version '{}' already exists and cannot be modified.",
            package.id, package.version
        );
        return Err(Answer::phrase(409, &message));
    }
    Ok((at, package))
}

/// The official client names itself; others name the protocol they speak.
fn is_new_enough(call: &Call) -> bool {
    let version = call.header("x-nuget-protocol-version").or_else(|| call.header("x-nuget-client-version"));
    version.is_some_and(|version| order(version, "4.1.0").is_ge())
}

/// `PUT /api/v2/symbolpackage`: checked as a push of a version that exists; nothing is kept.
pub(super) fn push_symbols(world: &mut World, call: &Call) -> Answer {
    let at = match presented(world, call) {
        Ok(at) => at,
        Err(answer) => return answer,
    };
    if !is_for(world, at, &[Action::Push, Action::PushVersion]) {
        return refused();
    }
    let package = uploaded(call).ok_or_else(|| "A symbols package must be sent.".to_owned());
    match package.and_then(|bytes| read(&bytes)) {
        Err(message) => Answer::phrase(400, &message),
        Ok(package) if world.gallery.shelf.get(&package.id, &package.version).is_none() => {
            let (id, version) = (&package.id, &package.version);
            Answer::phrase(404, &format!("A package with ID '{id}' and version '{version}' does not exist."))
        }
        Ok(package) if permits(world, at, &package.id, &[Action::Push, Action::PushVersion]) => {
            Answer::empty(201)
        }
        Ok(_) => refused(),
    }
}

/// `DELETE` unlists and `POST` relists `/api/v2/package/{id}/{version}`.
pub(super) fn list(world: &mut World, call: &Call, id: &str, version: &str, listed: bool) -> Answer {
    let at = match presented(world, call) {
        Ok(at) => at,
        Err(answer) => return answer,
    };
    if !is_for(world, at, &[Action::Unlist]) {
        return refused();
    }
    let now = world.now();
    if let Err(answer) = limit(&world.gallery.keys[at].unlists, world.switches.unlists_per_hour, now) {
        return answer;
    }
    if world.gallery.shelf.get(id, version).is_none() {
        let message = format!("A package with ID '{id}' and version '{version}' could not be found.");
        return Answer::phrase(404, &message);
    }
    if !permits(world, at, id, &[Action::Unlist]) {
        return refused();
    }
    if world.gallery.is_locked(id) {
        return Answer::phrase(403, &format!("The package '{id}' is locked and cannot be modified."));
    }
    world.gallery.keys[at].unlists.push(now);
    if let Some(package) = world.gallery.shelf.get_mut(id, version) {
        package.listed = listed;
    }
    Answer::empty(200)
}
