//! Feeds, their people, and those that are there at the start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::address::Address;
use crate::{
    packages::{Shelf, made},
    random::guid_of,
    world::Organisation,
};

/// What a person may do with a feed, weakest first (Microsoft: "Manage permissions", Azure Artifacts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedRole {
    /// Nothing.
    None,
    /// Restore what the feed holds ("Feed Reader").
    Reader,
    /// Save packages from upstream sources too ("Feed and Upstream Reader").
    Collaborator,
    /// Push and unlist too ("Feed Publisher").
    Contributor,
    /// Everything ("Feed Owner").
    Owner,
}

/// One feed.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) organisation: String,
    /// `None`: the feed belongs to the whole organisation.
    pub(crate) project: Option<String>,
    pub(crate) name: String,
    pub(crate) id: String,
    /// Members without a role of their own are contributors.
    pub(crate) roles: BTreeMap<String, FeedRole>,
    /// nuget.org is an upstream source.
    pub(crate) upstream: bool,
    pub(crate) shelf: Shelf,
}

const VIEWS: &[&str] = &["Local", "Prerelease", "Release"];

impl Feed {
    fn new(organisation: &str, project: Option<&str>, name: &str, upstream: bool) -> Self {
        let id = guid_of(&format!("feed {organisation}/{}/{name}", project.unwrap_or_default()));
        let mut shelf = Shelf::default();
        shelf.add(made("Contoso.Core", "1.0.0", &[]));
        shelf.add(made("Contoso.Text", "1.2.0", &[("Contoso.Core", "1.0.0")]));
        shelf.add(made("Fabrikam.Tools", "2.0.0", &[]));
        Self {
            organisation: organisation.to_owned(),
            project: project.map(str::to_owned),
            name: name.to_owned(),
            id,
            roles: BTreeMap::new(),
            upstream,
            shelf,
        }
    }

    pub(crate) fn project_id(&self) -> Option<String> {
        let project = self.project.as_ref()?;
        Some(guid_of(&format!("project {}/{project}", self.organisation)))
    }

    pub(crate) fn view_id(&self, view: &str) -> Option<String> {
        let id = |name: &str| guid_of(&format!("view {}@{name}", self.id));
        let known = VIEWS.iter().find(|known| known.eq_ignore_ascii_case(view) || id(known) == view);
        known.map(|known| id(known))
    }

    /// Is this the feed of the address? Names without regard to case, or identifiers.
    pub(super) fn is_at(&self, organisation: &str, address: &Address) -> bool {
        let same = |asked: &str, name: &str| asked.to_lowercase() == name.to_lowercase();
        let project = match (&address.project, &self.project) {
            (None, None) => true,
            (Some(asked), Some(name)) => {
                same(asked, name) || self.project_id().is_some_and(|id| same(asked, &id))
            }
            _ => false,
        };
        self.organisation == organisation
            && project
            && (same(&address.feed, &self.name) || same(&address.feed, &self.id))
            && address.view.as_ref().is_none_or(|view| self.view_id(view).is_some())
    }

    pub(crate) fn role(&self, user: &str) -> FeedRole {
        self.roles.get(user).copied().unwrap_or(FeedRole::Contributor)
    }

    /// `name`, or `project/name`.
    pub(crate) fn is_called(&self, organisation: &str, name: &str) -> bool {
        let full = self.project.as_ref().map(|project| format!("{project}/{}", self.name));
        self.organisation == organisation && (self.name == name || full.as_deref() == Some(name))
    }
}

/// Every organisation has a feed of its own, one in a project, and one whose names need escaping.
pub(crate) fn seed(organisations: &BTreeMap<String, Organisation>) -> Vec<Feed> {
    organisations
        .keys()
        .flat_map(|name| {
            [
                Feed::new(name, None, "shared", true),
                Feed::new(name, Some("Payments Platform"), "team", false),
                Feed::new(name, Some("Café Zürich"), "Pakete für alle", false),
            ]
        })
        .collect()
}
