//! nuget.org: its v3 source, its publishing API and Trusted Publishing (Microsoft: "Push and Delete, NuGet API",
//! "Trusted Publishing"). There is no API for keys: they are made on the site, by [`crate::Control`] here.

mod authorise;
mod key;
mod publish;
mod state;
mod trusted;
mod verify;

pub(crate) use key::{Action, ApiKey, Kind};
pub(crate) use state::{Gallery, NewKey};
pub(crate) use trusted::TrustPolicy;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::{
    answer::Answer,
    call::Call,
    packages::{self, Bases, Package, Route},
    server::Shared,
    world::World,
};

/// Answers one request to `www.nuget.org` or `api.nuget.org`.
pub(crate) fn handle(shared: &Shared, call: &Call) -> Answer {
    let mut world = shared.world();
    let world = &mut *world;
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let answer = match (&call.method, segments.as_slice()) {
        (_, ["account" | "users", ..]) => return site(world, call),
        (&Method::GET | &Method::HEAD, _) if !segments.starts_with(&["api"]) => {
            return read(world, call, &segments);
        }
        (&Method::PUT, ["api", "v2", "package"]) => publish::push(world, call),
        (&Method::PUT, ["api", "v2", "symbolpackage"]) => publish::push_symbols(world, call),
        (&Method::POST, ["api", "v2", "package", "create-verification-key", id, rest @ ..]) => {
            verify::create(world, call, id, rest.first().copied())
        }
        (&Method::DELETE, ["api", "v2", "package", id, version]) => {
            publish::list(world, call, id, version, false)
        }
        (&Method::POST, ["api", "v2", "package", id, version]) => {
            publish::list(world, call, id, version, true)
        }
        (&Method::GET, ["api", "v2", "verifykey", id, rest @ ..]) => {
            verify::verify(world, call, id, rest.first().copied())
        }
        (&Method::POST, ["api", "v2", "token"]) => return trusted::exchange(world, call),
        _ => return no_such_page(),
    };
    authorise::warned(world, call, answer)
}

/// The site's own pages are for signed-in people; a program has nothing to do there.
fn site(world: &mut World, call: &Call) -> Answer {
    world.journal.violate(format!("the site was asked for {} {}", call.method, call.path));
    let back = utf8_percent_encode(&call.path, NON_ALPHANUMERIC);
    Answer::redirect(&format!("{}/users/account/LogOn?returnUrl={back}", world.urls.nuget))
}

fn no_such_page() -> Answer {
    Answer::html(
        404,
        "<html><head><title>NuGet Gallery | 404</title></head><body>Page not found</body></html>",
    )
}

fn read(world: &World, call: &Call, segments: &[&str]) -> Answer {
    let bases = bases(world);
    let route = match segments {
        ["v3", "index.json"] => return index(world, &bases),
        ["query"] => return packages::search(&bases, call, world.gallery.shelf.all()),
        ["v3-flatcontainer", rest @ ..] => Route::flat(rest),
        ["v3", "registration5-gz-semver2", rest @ ..] => Route::registration(rest),
        _ => None,
    };
    let Some(route) = route else { return no_such_page() };
    let versions: Vec<&Package> = world.gallery.shelf.versions(route.id()).iter().collect();
    packages::serve(&bases, &route, &versions)
}

fn bases(world: &World) -> Bases {
    Bases {
        flat: format!("{}/v3-flatcontainer", world.urls.nuget),
        registrations: format!("{}/v3/registration5-gz-semver2", world.urls.nuget),
    }
}

fn index(world: &World, bases: &Bases) -> Answer {
    let base = &world.urls.nuget;
    let resource = |id: String, kind: &str| json!({"@id": id, "@type": kind});
    let mut resources = vec![
        resource(format!("{base}/api/v2/package"), "PackagePublish/2.0.0"),
        resource(format!("{base}/api/v2/symbolpackage"), "SymbolPackagePublish/4.9.0"),
        resource(format!("{}/", bases.flat), "PackageBaseAddress/3.0.0"),
    ];
    for kind in ["", "/3.0.0-beta", "/3.4.0", "/3.6.0"] {
        resources.push(resource(format!("{}/", bases.registrations), &format!("RegistrationsBaseUrl{kind}")));
    }
    for kind in ["", "/3.0.0-beta", "/3.5.0"] {
        resources.push(resource(format!("{base}/query"), &format!("SearchQueryService{kind}")));
    }
    Answer::json(200, &json!({"version": "3.0.0", "resources": resources}))
}
