//! Packages: what lies in a feed or in the gallery, and the v3 resources that both serve alike.

mod content;
mod nupkg;
mod nuspec;
mod upload;
mod version;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use content::{Bases, Route, search, serve};
pub use nupkg::nupkg;
pub(crate) use nupkg::read;
pub(crate) use upload::uploaded;
pub(crate) use version::{normalised, order};

/// One version of one package.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) id: String,
    /// Normalised: `1.0.0`, not `1.0.0.0` or `1.00+build`.
    pub(crate) version: String,
    /// Names and version ranges.
    pub(crate) dependencies: Vec<(String, String)>,
    pub(crate) nuspec: String,
    pub(crate) bytes: Bytes,
    pub(crate) listed: bool,
    /// Who pushed it: a person, or a gallery key's number; nobody for what was there at the start.
    pub(crate) pushed_by: Option<String>,
}

/// Packages by identifier (case ignored), each with its versions in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    packages: BTreeMap<String, Vec<Package>>,
}

impl Shelf {
    pub(crate) fn versions(&self, id: &str) -> &[Package] {
        self.packages.get(&id.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get(&self, id: &str, version: &str) -> Option<&Package> {
        let version = normalised(version);
        self.versions(id).iter().find(|package| package.version.eq_ignore_ascii_case(&version))
    }

    pub(crate) fn get_mut(&mut self, id: &str, version: &str) -> Option<&mut Package> {
        let version = normalised(version);
        let versions = self.packages.get_mut(&id.to_lowercase())?;
        versions.iter_mut().find(|package| package.version.eq_ignore_ascii_case(&version))
    }

    /// Puts a package in its place; one that is there already stays, and this gives `false`.
    pub(crate) fn add(&mut self, package: Package) -> bool {
        if self.get(&package.id, &package.version).is_some() {
            return false;
        }
        let versions = self.packages.entry(package.id.to_lowercase()).or_default();
        let at = versions.partition_point(|held| order(&held.version, &package.version).is_lt());
        versions.insert(at, package);
        true
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().flatten()
    }
}

/// A package of the emulator's own making, read back as a pushed one would be.
pub(crate) fn made(id: &str, version: &str, dependencies: &[(&str, &str)]) -> Package {
    let bytes = nupkg(id, version, dependencies);
    read(&bytes).unwrap_or_else(|error| unreachable!("a package made here is whole: {error}"))
}
