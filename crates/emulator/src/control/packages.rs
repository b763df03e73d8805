//! The tests' hand on feeds, on nuget.org and on the builds that publish there.

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::handle::Control;
use crate::{
    clock::Time,
    feeds::FeedRole,
    gallery::{Action, ApiKey, Gallery, Kind, NewKey, TrustPolicy},
    oidc,
    packages::{Package, made},
};

/// One version of a package, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageView {
    /// `contoso/shared`, `contoso/Payments Platform/team`, or `nuget.org`.
    pub source: String,
    /// The identifier as it was pushed.
    pub id: String,
    /// The normalised version.
    pub version: String,
    /// Shown in lists.
    pub listed: bool,
    /// The person, or `key 3`; nobody for what was there at the start.
    pub pushed_by: Option<String>,
}

/// A nuget.org key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NugetKeyView {
    /// Keys are numbered as they are made, from 1.
    pub number: usize,
    /// For whom it publishes.
    pub owner: String,
    /// The packages it is for; none means all.
    pub globs: Vec<String>,
    /// For example `package:push`.
    pub scopes: Vec<String>,
    /// Seconds since the epoch.
    pub expires: i64,
    /// Neither expired nor revoked nor spent.
    pub live: bool,
    /// How many requests carried it while it lived.
    pub uses: u64,
    /// The repository that Trusted Publishing made it for.
    pub repository: Option<String>,
}

/// A GitHub job's way to its identity tokens.
#[derive(Debug, Clone, Serialize)]
pub struct GithubJob {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub token: String,
}

impl Control {
    // Feeds.

    /// Every package of every feed, then those of nuget.org.
    pub fn packages(&self) -> Vec<PackageView> {
        let world = self.shared.world();
        let mut views = Vec::new();
        for feed in &world.feeds {
            let project = feed.project.as_ref().map(|project| format!("{project}/")).unwrap_or_default();
            let source = format!("{}/{project}{}", feed.organisation, feed.name);
            views.extend(feed.shelf.all().map(|package| view(package, &source)));
        }
        views.extend(world.gallery.shelf.all().map(|package| view(package, "nuget.org")));
        views
    }

    /// Sets what a person may do with a feed: `name`, or `project/name`.
    pub fn feed_roles(&self, org: &str, feed: &str, user: &str, role: FeedRole) -> Result<()> {
        let mut world = self.shared.world();
        let found = world.feeds.iter_mut().find(|known| known.is_called(org, feed));
        found.with_context(|| format!("no feed `{org}/{feed}`"))?.roles.insert(user.to_owned(), role);
        Ok(())
    }

    /// Puts a package into a feed (`name`, or `project/name`); dependencies are names and ranges.
    pub fn add_package(
        &self,
        org: &str,
        feed: &str,
        id: &str,
        version: &str,
        dependencies: &[(&str, &str)],
    ) -> Result<()> {
        let mut world = self.shared.world();
        let found = world.feeds.iter_mut().find(|known| known.is_called(org, feed));
        let added = found.with_context(|| format!("no feed `{org}/{feed}`"))?.shelf.add(made(
            id,
            version,
            dependencies,
        ));
        ensure!(added, "`{id}` {version} is there already");
        Ok(())
    }

    // nuget.org.

    /// Makes a key as the site's form does, and gives its secret: 46 characters. Scopes are `package:push`,
    /// `package:pushversion`, `package:unlist` and `all`; lifetime in seconds.
    pub fn nuget_key(&self, owner: &str, globs: &[&str], scopes: &[&str], lifetime: i64) -> Result<String> {
        self.make_key(Kind::V4, owner, globs, scopes, lifetime)
    }

    /// Makes a key of 84 characters, which carries its end in steps of five minutes.
    pub fn nuget_key_v5(
        &self,
        owner: &str,
        globs: &[&str],
        scopes: &[&str],
        lifetime: i64,
    ) -> Result<String> {
        ensure!(lifetime > 0 && lifetime % 300 == 0, "a lifetime is counted in steps of 300 s");
        self.make_key(Kind::V5, owner, globs, scopes, lifetime)
    }

    fn make_key(
        &self,
        kind: Kind,
        owner: &str,
        globs: &[&str],
        scopes: &[&str],
        lifetime: i64,
    ) -> Result<String> {
        let restricted = self.shared.world().switches.restrict_key_expiry;
        ensure!(
            !restricted || [1, 8, 30].map(|days| days * 86_400).contains(&lifetime),
            "API key expiration must be 1, 8, or 30 days."
        );
        let mut actions = Vec::new();
        for scope in scopes {
            actions.extend(Action::parse(scope).with_context(|| format!("no scope `{scope}`"))?);
        }
        let new = NewKey {
            kind,
            owner: owner.to_owned(),
            globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
            actions,
            lifetime,
            repository: None,
        };
        Ok(self.keep(new))
    }

    fn keep(&self, new: NewKey) -> String {
        let mut world = self.shared.world();
        let world = &mut *world;
        let now = world.clock.now();
        world.gallery.make(&mut world.random, now, new).secret
    }

    /// The site's refresh: a new key with the same duration counted from now; the old one is gone at once.
    pub fn refresh_nuget_key(&self, secret: &str) -> Result<String> {
        let old = self.key(secret, |key| {
            key.revoked = true;
            key.clone()
        })?;
        let ApiKey { kind, owner, globs, actions, lifetime, repository, .. } = old;
        Ok(self.keep(NewKey { kind, owner, globs, actions, lifetime, repository }))
    }

    /// Deletes a key.
    pub fn revoke_nuget_key(&self, secret: &str) -> Result<()> {
        self.key(secret, |key| key.revoked = true)
    }

    fn key<T>(&self, secret: &str, act: impl FnOnce(&mut ApiKey) -> T) -> Result<T> {
        let mut world = self.shared.world();
        let at = world.gallery.find(secret).context("no such key")?;
        Ok(act(&mut world.gallery.keys[at]))
    }

    /// Every key ever made, those of Trusted Publishing and for verification too.
    pub fn nuget_keys(&self) -> Vec<NugetKeyView> {
        let world = self.shared.world();
        let now = world.now();
        world.gallery.keys.iter().map(|key| key_view(key, now)).collect()
    }

    /// Locks a package, person or organisation of nuget.org.
    pub fn lock_on_nuget(&self, name: &str) {
        self.shared.world().gallery.locked.insert(name.to_lowercase());
    }

    // Trusted Publishing.

    /// A policy of this person: builds of the repository may publish for the owner. With a workflow's file name
    /// it is for GitHub, without one for GitLab.
    pub fn trust(
        &self,
        user: &str,
        owner: &str,
        repository: &str,
        workflow: Option<&str>,
        globs: &[&str],
    ) -> Result<()> {
        ensure!(!Gallery::is_organisation(user), "`{user}` is an organisation; policies belong to people");
        let issuer = if workflow.is_some() { oidc::GITHUB } else { oidc::GITLAB };
        self.shared.world().gallery.policies.push(TrustPolicy {
            user: user.to_owned(),
            owner: owner.to_owned(),
            issuer: issuer.to_owned(),
            repository: repository.to_owned(),
            workflow: workflow.map(str::to_owned),
            globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
        });
        Ok(())
    }

    /// Takes all policies for a repository away, and the keys that they gave.
    pub fn distrust(&self, repository: &str) {
        let mut world = self.shared.world();
        world.gallery.policies.retain(|policy| policy.repository != repository);
        for key in world.gallery.keys.iter_mut().filter(|key| key.repository.as_deref() == Some(repository)) {
            key.revoked = true;
        }
    }

    /// Starts a GitHub job of `owner/name` by this workflow file.
    pub fn github_job(&self, repository: &str, workflow: &str) -> GithubJob {
        let mut world = self.shared.world();
        let token = oidc::start_job(&mut world, repository, workflow);
        GithubJob { url: format!("{}/oidc/token?api-version=2.0", world.urls.oidc), token }
    }

    /// An identity token as GitLab puts it into a job's environment.
    pub fn gitlab_token(&self, project: &str, audience: &str) -> Result<String> {
        oidc::issue(&mut self.shared.world(), project, None, audience)
    }
}

fn view(package: &Package, source: &str) -> PackageView {
    PackageView {
        source: source.to_owned(),
        id: package.id.clone(),
        version: package.version.clone(),
        listed: package.listed,
        pushed_by: package.pushed_by.clone(),
    }
}

fn key_view(key: &ApiKey, now: Time) -> NugetKeyView {
    NugetKeyView {
        number: key.number,
        owner: key.owner.clone(),
        globs: key.globs.clone(),
        scopes: key.actions.iter().map(|action| action.name().to_owned()).collect(),
        expires: key.expires.seconds(),
        live: key.is_live(now),
        uses: key.uses,
        repository: key.repository.clone(),
    }
}
