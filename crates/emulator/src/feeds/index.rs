//! A feed's service index, and where its resources are: on the host that was asked, under identifiers.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::Feed;
use crate::{
    answer::Answer,
    call::Call,
    host::packaging_label,
    packages,
    world::{Organisation, World},
};

/// Where the resources of one feed are, as the asker sees it.
pub(super) struct Bases {
    root: String,
    feed_id: String,
}

impl Bases {
    pub(super) fn reading(&self) -> packages::Bases {
        packages::Bases {
            flat: format!("{}/nuget/v3/flat2", self.root),
            registrations: format!("{}/nuget/v3/registrations2", self.root),
        }
    }
}

pub(super) fn bases(
    world: &World,
    call: &Call,
    organisation: &Organisation,
    feed: &Feed,
    view: Option<&str>,
) -> Bases {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let host = if packaging_label(&call.authority).is_some() {
        format!("https://{}", call.authority)
    } else {
        format!("{}/{}", world.urls.pkgs, escape(&organisation.name))
    };
    let project = feed.project_id().map(|id| format!("/{id}")).unwrap_or_default();
    let view = view.and_then(|view| feed.view_id(view)).map(|id| format!("@{id}")).unwrap_or_default();
    Bases { root: format!("{host}{project}/_packaging/{}{view}", feed.id), feed_id: feed.id.clone() }
}

/// The service index (Microsoft: "Service index, NuGet API").
pub(super) fn document(bases: &Bases) -> Answer {
    let reading = bases.reading();
    let resource = |id: String, kind: &str| json!({"@id": id, "@type": kind, "comment": ""});
    let mut resources = vec![
        resource(format!("{}/", reading.flat), "PackageBaseAddress/3.0.0"),
        resource(format!("{}/nuget/v2/", bases.root), "PackagePublish/2.0.0"),
        resource(format!("{}/nuget/v2/", bases.root), "LegacyGallery/2.0.0"),
        resource(bases.feed_id.clone(), "VssFeedId"),
    ];
    for kind in ["", "/3.0.0-beta", "/3.4.0", "/3.6.0"] {
        resources
            .push(resource(format!("{}/", reading.registrations), &format!("RegistrationsBaseUrl{kind}")));
    }
    for kind in ["", "/3.0.0-beta", "/3.5.0"] {
        let id = format!("{}/nuget/v3/query2/", bases.root);
        resources.push(resource(id, &format!("SearchQueryService{kind}")));
    }
    Answer::json(200, &json!({"version": "3.0.0", "resources": resources}))
}
