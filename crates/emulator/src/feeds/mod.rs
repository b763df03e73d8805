//! Azure Artifacts: NuGet feeds (Microsoft: "NuGet API" of Azure Artifacts; protocol: "NuGet Server API").

mod address;
mod feed;
mod index;
mod publish;

pub use feed::FeedRole;
pub(crate) use feed::{Feed, seed};

use crate::{
    answer::Answer,
    call::Call,
    devops::{access, challenge, exception},
    packages::{self, Package, Route},
    server::Shared,
    world::{Organisation, World},
};
use address::{Address, Resource};

/// Answers one request to `pkgs.dev.azure.com` or `{org}.pkgs.visualstudio.com`.
pub(crate) fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut world = shared.world();
    let world = &mut *world;
    let organisation = call.segments.first().and_then(|name| world.organisation(name)).cloned();
    let Some(organisation) = organisation else { return challenge::unauthenticated(world, call, None) };
    let Some(address) = address::parse(call) else {
        return match access::authenticate(world, call, &organisation, None) {
            Ok(session) => session.mark(exception(404, "VssResourceNotFoundException", "No such resource.")),
            Err(answer) => answer,
        };
    };
    let session = match access::authenticate(world, call, &organisation, Some(address.resource.scope())) {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let answer = match world.feeds.iter().position(|feed| feed.is_at(&organisation.name, &address)) {
        Some(at) => serve(world, call, &organisation, at, &address, &session.user),
        None => no_feed(&address),
    };
    challenge::with_activity(world, session.mark(answer))
}

fn serve(
    world: &mut World,
    call: &Call,
    organisation: &Organisation,
    at: usize,
    address: &Address,
    user: &str,
) -> Answer {
    let role = world.feeds[at].role(user);
    let needed = address.resource.role();
    if role < needed {
        return forbidden(&world.feeds[at], user, needed);
    }
    let bases = index::bases(world, call, organisation, &world.feeds[at], address.view.as_deref());
    match &address.resource {
        Resource::Index => index::document(&bases),
        Resource::Read(route) => {
            save_from_upstream(world, at, role, route);
            let held = read(world, at, role, route.id());
            packages::serve(&bases.reading(), route, &held)
        }
        Resource::Search => packages::search(&bases.reading(), call, world.feeds[at].shelf.all()),
        Resource::Push => publish::push(world, call, at, user),
        Resource::Unlist { id, version } => publish::unlist(world, at, id, version),
    }
}

/// The versions that this role sees: the feed's own, and the upstream's for those who may save them.
fn read<'a>(world: &'a World, at: usize, role: FeedRole, id: &str) -> Vec<&'a Package> {
    let feed = &world.feeds[at];
    let mut versions: Vec<&Package> = feed.shelf.versions(id).iter().collect();
    if feed.upstream && role >= FeedRole::Collaborator {
        let upstream = world.gallery.shelf.versions(id).iter().filter(|package| package.listed);
        versions.extend(upstream.filter(|package| feed.shelf.get(id, &package.version).is_none()));
        versions.sort_by(|left, right| packages::order(&left.version, &right.version));
    }
    versions
}

/// Asking for an upstream's file puts it into the feed.
fn save_from_upstream(world: &mut World, at: usize, role: FeedRole, route: &Route) {
    let (Route::File { id, .. }, Some(version)) = (route, route.version()) else { return };
    if !world.feeds[at].upstream || role < FeedRole::Collaborator {
        return;
    }
    if let Some(package) = world.gallery.shelf.get(id, version).cloned() {
        world.feeds[at].shelf.add(package);
    }
}

fn no_feed(address: &Address) -> Answer {
    let message = format!("The feed with ID '{}' doesn't exist.", address.feed);
    exception(404, "FeedIdNotFoundException", &message)
}

fn forbidden(feed: &Feed, user: &str, needed: FeedRole) -> Answer {
    let permission = if needed > FeedRole::Reader { "AddPackage" } else { "ReadPackages" };
    let message = format!(
        "User '{user}' lacks permission to complete this action. You need to have '{permission}'. Feed '{}'.",
        feed.name
    );
    exception(403, "FeedNeedsPermissionsException", &message).reason("Forbidden - lacks feed permission")
}
