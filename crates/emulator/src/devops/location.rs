//! Where the services of an organisation are: what Microsoft's .NET client library asks for before any call.
//!
//! Shapes as in the published interfaces (Microsoft: azure-devops-extension-api, `LocationServiceData`,
//! `ServiceDefinition`, `AccessMapping`, `ApiResourceLocation`).

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    call::Call,
    host::Host,
    world::{Organisation, World},
};

/// Azure DevOps' own kind of service, and the one that keeps accounts and tokens, which is the root of all others.
const DEV: &str = "00025394-6065-48ca-87d9-7f5672854ef7";
const ROOT: &str = "951917ac-a960-4999-8464-e3f0aa25b381";

/// Number, area, name and route of each resource.
const RESOURCES: [(&str, &str, &str, &str); 3] = [
    ("00d9565f-ed9c-4a06-9a50-00e7896ccab4", "Location", "ConnectionData", "_apis/{resource}"),
    (
        "d810a47d-f4f4-4a62-a03f-fa1860585c4c",
        "Location",
        "ServiceDefinitions",
        "_apis/{resource}/{serviceType}/{identifier}",
    ),
    ("2c1965e2-28da-4aa1-bc64-b8a58537ae9b", "Tokens", "Pats", "_apis/{area}/{resource}"),
];

const MAPPING: &str = "PublicAccessMapping";

/// The kind of service that answers on this host.
pub(super) fn owner(call: &Call) -> &'static str {
    if call.host == Host::Vssps { ROOT } else { DEV }
}

/// The `locationServiceData` of a connection; with service definitions when they are asked for.
pub(super) fn data(world: &World, call: &Call, organisation: &Organisation) -> Value {
    let own = if call.host == Host::Vssps { &world.urls.vssps } else { &world.urls.dev };
    let mut data = json!({
        "serviceOwner": owner(call),
        "defaultAccessMappingMoniker": MAPPING,
        "lastChangeId": 1, "lastChangeId64": 1,
        "clientCacheFresh": false,
        "clientCacheTimeToLive": 3600,
    });
    if includes_services(call) {
        data["accessMappings"] = json!([{
            "moniker": MAPPING, "displayName": "Public Access Mapping", "accessPoint": format!("{own}/"),
            "serviceOwner": owner(call), "virtualDirectory": organisation.name,
        }]);
        data["serviceDefinitions"] = json!([definition(world, organisation, ROOT)]);
    }
    data
}

/// `connectOptions` is a set of flags, by number or by name; services are 1.
fn includes_services(call: &Call) -> bool {
    let options = call.parameter("connectOptions").unwrap_or_default().to_lowercase();
    options.parse::<u32>().map_or_else(|_| options.contains("includeservices"), |flags| flags & 1 == 1)
}

/// `GET …/_apis/serviceDefinitions/LocationService2/{identifier}`. Everybody may ask.
pub(crate) fn service(world: &World, organisation: &Organisation, identifier: &str) -> Answer {
    Answer::json(200, &definition(world, organisation, identifier))
}

fn definition(world: &World, organisation: &Organisation, identifier: &str) -> Value {
    let location = format!("{}/{}/", world.urls.vssps, organisation.instance_id);
    json!({
        "serviceType": "LocationService2", "identifier": identifier, "displayName": "SPS Location Service",
        "relativeToSetting": "fullyQualified", "description": "", "serviceOwner": ROOT,
        "location": location,
        "locationMappings": [{"accessMappingMoniker": MAPPING, "location": location}],
        "toolId": "Framework", "parentServiceType": null, "parentIdentifier": "00000000-0000-0000-0000-000000000000",
        "properties": {}, "status": "active", "inheritLevel": "none",
    })
}

/// `OPTIONS …/_apis`: the resources of this host that clients look up by number.
pub(crate) fn resources() -> Answer {
    let resources = RESOURCES.map(|(id, area, name, route)| {
        json!({
            "id": id, "area": area, "resourceName": name, "routeTemplate": route,
            "resourceVersion": 1, "minVersion": "1.0", "maxVersion": "7.2", "releasedVersion": "0.0",
        })
    });
    Answer::json(200, &json!({"count": resources.len(), "value": resources}))
}
