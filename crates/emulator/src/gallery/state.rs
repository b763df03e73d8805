//! What nuget.org keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, ApiKey, Kind, TrustPolicy, key};
use crate::{
    clock::Time,
    packages::{Shelf, made},
    random::Random,
};

/// Organisations sign in through their members only; everybody else is a person.
const ORGANISATIONS: &[&str] = &["contoso", "fabrikam"];

/// The gallery.
#[derive(Debug, Clone)]
pub(crate) struct Gallery {
    pub(crate) shelf: Shelf,
    /// Owners of each package, by identifier in lower case.
    owners: BTreeMap<String, Vec<String>>,
    /// Prefixes in lower case that only their owner may use.
    reserved: Vec<(&'static str, &'static str)>,
    /// Owners and packages, in lower case, that take no change.
    pub(crate) locked: BTreeSet<String>,
    pub(crate) keys: Vec<ApiKey>,
    pub(crate) policies: Vec<TrustPolicy>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewKey {
    pub(crate) kind: Kind,
    pub(crate) owner: String,
    pub(crate) globs: Vec<String>,
    pub(crate) actions: Vec<Action>,
    /// Seconds.
    pub(crate) lifetime: i64,
    pub(crate) repository: Option<String>,
}

impl Gallery {
    pub(crate) fn seed() -> Self {
        let mut gallery = Self {
            shelf: Shelf::default(),
            owners: BTreeMap::new(),
            reserved: vec![("contoso.", "contoso"), ("microsoft.", "microsoft")],
            locked: BTreeSet::new(),
            keys: Vec::new(),
            policies: Vec::new(),
        };
        for (id, version, owner) in [
            ("Contoso.Public", "1.0.0", "contoso"),
            ("Contoso.Public", "1.1.0-beta.1", "contoso"),
            ("Tailspin.Toys", "3.0.0", "alice"),
            ("Wingtip.Shared", "1.0.0", "bob"),
        ] {
            gallery.shelf.add(made(id, version, &[]));
            gallery.own(id, owner);
        }
        gallery
    }

    pub(crate) fn is_organisation(name: &str) -> bool {
        ORGANISATIONS.contains(&name.to_lowercase().as_str())
    }

    pub(crate) fn own(&mut self, id: &str, owner: &str) {
        let owners = self.owners.entry(id.to_lowercase()).or_default();
        if !owners.iter().any(|held| held.eq_ignore_ascii_case(owner)) {
            owners.push(owner.to_lowercase());
        }
    }

    /// `None`: nobody has a package of this name.
    pub(crate) fn owners(&self, id: &str) -> Option<&[String]> {
        self.owners.get(&id.to_lowercase()).map(Vec::as_slice)
    }

    /// May this owner make a new package of this name?
    pub(crate) fn is_reserved_from(&self, id: &str, owner: &str) -> bool {
        let id = id.to_lowercase();
        let prefix = self.reserved.iter().find(|(prefix, _)| id.starts_with(prefix));
        prefix.is_some_and(|(_, holder)| !holder.eq_ignore_ascii_case(owner))
    }

    pub(crate) fn is_locked(&self, name: &str) -> bool {
        self.locked.contains(&name.to_lowercase())
    }

    /// Makes a key and gives its secret.
    pub(crate) fn make(&mut self, random: &mut Random, now: Time, new: NewKey) -> ApiKey {
        let number = self.keys.len() + 1;
        let (secret, expires) = match &new.kind {
            Kind::V4 => (key::v4(random), now.plus(new.lifetime)),
            Kind::Verify { .. } => (random.guid(), now.plus(new.lifetime)),
            Kind::V5 => {
                let owner = u64::try_from(number).unwrap_or(1);
                let whole_minute = now.plus(-now.seconds().rem_euclid(60));
                (key::v5(random, now, owner, new.lifetime), whole_minute.plus(new.lifetime))
            }
        };
        let NewKey { kind, owner, globs, actions, lifetime, repository } = new;
        let key = ApiKey {
            number,
            secret,
            kind,
            owner,
            globs,
            actions,
            lifetime,
            expires,
            revoked: false,
            repository,
            pushes: Vec::new(),
            unlists: Vec::new(),
            uses: 0,
        };
        self.keys.push(key.clone());
        key
    }

    /// The place of a key among [`Self::keys`].
    pub(crate) fn find(&self, secret: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.secret == secret)
    }
}
