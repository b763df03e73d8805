//! Pushing to a feed and unlisting.

use crate::{
    answer::Answer,
    call::Call,
    devops::exception,
    packages::{read, uploaded},
    world::World,
};

/// `PUT …/nuget/v2/`. The key in `X-NuGet-ApiKey` proves nothing, but must be there.
pub(super) fn push(world: &mut World, call: &Call, at: usize, user: &str) -> Answer {
    let has_key = call.header("x-nuget-apikey").is_some_and(|key| !key.trim().is_empty());
    if world.switches.feed_needs_api_key && !has_key {
        let message = "An API key must be provided in the 'X-NuGet-ApiKey' header to use this service.";
        return exception(403, "InvalidApiKeyException", message);
    }
    let package = uploaded(call).ok_or("No package was found in the request.".to_owned());
    let mut package = match package.and_then(|bytes| read(&bytes)) {
        Ok(package) => package,
        Err(message) => return exception(400, "InvalidPackageException", &message),
    };
    package.pushed_by = Some(user.to_owned());
    let (id, version) = (package.id.clone(), package.version.clone());
    let feed = &mut world.feeds[at];
    if feed.shelf.add(package) {
        return Answer::empty(202);
    }
    let message = format!(
        "The feed '{}' already contains file '{id} {version}'. The version cannot be pushed again, even after it \
         was deleted.",
        feed.name
    );
    exception(409, "PackageExistsException", &message)
        .reason("Conflict - The feed already contains the version")
}

/// `DELETE …/nuget/v2/{id}/{version}` hides a version from lists; it stays restorable.
pub(super) fn unlist(world: &mut World, at: usize, id: &str, version: &str) -> Answer {
    match world.feeds[at].shelf.get_mut(id, version) {
        Some(package) => {
            package.listed = false;
            Answer::empty(204)
        }
        None => exception(404, "PackageNotFoundException", &format!("Cannot find the package '{id}'.")),
    }
}
