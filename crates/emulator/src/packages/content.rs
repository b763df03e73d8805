//! The reading resources of a v3 source: flat container, registrations, search (Microsoft: "NuGet Server API").

use serde_json::{Value, json};

use super::{Package, version::is_prerelease};
use crate::{answer::Answer, call::Call};

/// Where a source's resources are, without trailing slashes.
pub(crate) struct Bases {
    pub(crate) flat: String,
    pub(crate) registrations: String,
}

/// A request for a reading resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// All versions of a package.
    Versions { id: String },
    /// `{id}.{version}.nupkg` or `{id}.nuspec`.
    File { id: String, version: String, manifest: bool },
    /// Metadata of all versions.
    Registration { id: String },
    /// Metadata of one version.
    Leaf { id: String, version: String },
}

impl Route {
    /// Below the flat container: `{id}/index.json`, `{id}/{version}/{file}`.
    pub(crate) fn flat(rest: &[&str]) -> Option<Self> {
        match rest {
            [id, "index.json"] => Some(Self::Versions { id: (*id).to_owned() }),
            [id, version, file] => {
                let manifest = *file == format!("{id}.nuspec");
                (manifest || *file == format!("{id}.{version}.nupkg")).then(|| Self::File {
                    id: (*id).to_owned(),
                    version: (*version).to_owned(),
                    manifest,
                })
            }
            _ => None,
        }
    }

    /// Below the registrations: `{id}/index.json`, `{id}/{version}.json`.
    pub(crate) fn registration(rest: &[&str]) -> Option<Self> {
        match rest {
            [id, "index.json"] => Some(Self::Registration { id: (*id).to_owned() }),
            [id, leaf] => {
                let version = leaf.strip_suffix(".json")?.to_owned();
                Some(Self::Leaf { id: (*id).to_owned(), version })
            }
            _ => None,
        }
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Versions { id }
            | Self::File { id, .. }
            | Self::Registration { id }
            | Self::Leaf { id, .. } => id,
        }
    }

    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::File { version, .. } | Self::Leaf { version, .. } => Some(version),
            Self::Versions { .. } | Self::Registration { .. } => None,
        }
    }
}

/// Answers out of these versions of the package that the route names.
pub(crate) fn serve(bases: &Bases, route: &Route, versions: &[&Package]) -> Answer {
    if versions.is_empty() {
        return Answer::empty(404);
    }
    let one = |version: &str| {
        let version = super::normalised(version);
        versions.iter().find(|package| package.version.eq_ignore_ascii_case(&version))
    };
    match route {
        Route::Versions { .. } => {
            let versions: Vec<_> = versions.iter().map(|package| package.version.to_lowercase()).collect();
            Answer::json(200, &json!({"versions": versions}))
        }
        Route::File { version, manifest, .. } => match (one(version), manifest) {
            (Some(package), false) => {
                Answer::empty(200).content("application/octet-stream", package.bytes.clone())
            }
            (Some(package), true) => Answer::empty(200).content("application/xml", package.nuspec.clone()),
            (None, _) => Answer::empty(404),
        },
        Route::Registration { .. } => Answer::json(200, &registration(bases, versions)),
        Route::Leaf { version, .. } => match one(version) {
            Some(package) => Answer::json(200, &leaf(bases, package)),
            None => Answer::empty(404),
        },
    }
}

/// `SearchQueryService`: `q`, `prerelease`, `skip`, `take`; `listing` holds each package's versions.
pub(crate) fn search<'a>(bases: &Bases, call: &Call, packages: impl Iterator<Item = &'a Package>) -> Answer {
    let wanted = call.parameter("q").unwrap_or_default().to_lowercase();
    let prerelease = call.parameter("prerelease").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let number = |name: &str| call.parameter(name).and_then(|value| value.parse::<usize>().ok());
    let mut found: Vec<Vec<&Package>> = Vec::new();
    let visible = |package: &&Package| package.listed && (prerelease || !is_prerelease(&package.version));
    for package in packages.filter(visible).filter(|package| package.id.to_lowercase().contains(&wanted)) {
        match found.last_mut() {
            Some(versions) if versions[0].id.eq_ignore_ascii_case(&package.id) => versions.push(package),
            _ => found.push(vec![package]),
        }
    }
    let page = found.iter().skip(number("skip").unwrap_or(0)).take(number("take").unwrap_or(20));
    let data: Vec<Value> = page
        .filter_map(|versions| {
            let last = versions.last()?;
            let all: Vec<_> = versions
                .iter()
                .map(|package| json!({"version": package.version, "downloads": 0, "@id": leaf_url(bases, package)}))
                .collect();
            Some(json!({
                "@id": format!("{}/{}/index.json", bases.registrations, last.id.to_lowercase()),
                "id": last.id, "version": last.version, "description": "For tests.",
                "authors": ["Emulator"], "totalDownloads": 0, "versions": all,
            }))
        })
        .collect();
    Answer::json(200, &json!({"totalHits": found.len(), "data": data}))
}

fn registration(bases: &Bases, versions: &[&Package]) -> Value {
    let lower = versions[0].id.to_lowercase();
    let index = format!("{}/{lower}/index.json", bases.registrations);
    let leaves: Vec<Value> = versions.iter().map(|package| leaf(bases, package)).collect();
    let page = json!({
        "@id": format!("{index}#page"), "count": leaves.len(), "parent": index,
        "lower": versions[0].version, "upper": versions[versions.len() - 1].version, "items": leaves,
    });
    json!({"@id": index, "count": 1, "items": [page]})
}

fn leaf(bases: &Bases, package: &Package) -> Value {
    let content = content_url(bases, package);
    let dependencies: Vec<Value> =
        package.dependencies.iter().map(|(id, range)| json!({"id": id, "range": range})).collect();
    json!({
        "@id": leaf_url(bases, package),
        "packageContent": content,
        "catalogEntry": {
            "@id": leaf_url(bases, package), "id": package.id, "version": package.version,
            "listed": package.listed, "authors": "Emulator", "description": "For tests.",
            "packageContent": content,
            "dependencyGroups": [{"targetFramework": ".NETStandard2.0", "dependencies": dependencies}],
        },
    })
}

fn leaf_url(bases: &Bases, package: &Package) -> String {
    let (id, version) = (package.id.to_lowercase(), package.version.to_lowercase());
    format!("{}/{id}/{version}.json", bases.registrations)
}

fn content_url(bases: &Bases, package: &Package) -> String {
    let (id, version) = (package.id.to_lowercase(), package.version.to_lowercase());
    format!("{}/{id}/{version}/{id}.{version}.nupkg", bases.flat)
}
