//! The control host's routes for feeds, nuget.org and builds.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    handle::Control,
    http::{parsed, shown},
};
use crate::feeds::FeedRole;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FeedRoleChange {
    org: String,
    feed: String,
    user: String,
    role: FeedRole,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NewPackage {
    org: String,
    feed: String,
    id: String,
    version: String,
    #[serde(default)]
    dependencies: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NewKey {
    owner: String,
    globs: Vec<String>,
    scopes: Vec<String>,
    lifetime: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WhichKey {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Policy {
    user: String,
    owner: String,
    repository: String,
    workflow: Option<String>,
    #[serde(default)]
    globs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Job {
    repository: String,
    workflow: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GitlabJob {
    project: String,
    audience: String,
}

/// One `POST` of JSON.
pub(super) fn write(control: &Control, path: &str, body: &[u8]) -> Result<Value, String> {
    let text = |error: anyhow::Error| format!("{error:#}");
    match path {
        "feed-roles" => {
            let FeedRoleChange { org, feed, user, role } = parsed(body)?;
            control.feed_roles(&org, &feed, &user, role).map_err(text)?;
        }
        "add-package" => {
            let NewPackage { org, feed, id, version, dependencies } = parsed(body)?;
            let dependencies: Vec<_> =
                dependencies.iter().map(|(id, range)| (id.as_str(), range.as_str())).collect();
            control.add_package(&org, &feed, &id, &version, &dependencies).map_err(text)?;
        }
        "nuget-key" => {
            let NewKey { owner, globs, scopes, lifetime } = parsed(body)?;
            let made = control.nuget_key(&owner, &words(&globs), &words(&scopes), lifetime);
            return shown(&made.map_err(text)?);
        }
        "refresh-nuget-key" => {
            let WhichKey { key } = parsed(body)?;
            return shown(&control.refresh_nuget_key(&key).map_err(text)?);
        }
        "revoke-nuget-key" => {
            control.revoke_nuget_key(&parsed::<WhichKey>(body)?.key).map_err(text)?;
        }
        "trust" => {
            let Policy { user, owner, repository, workflow, globs } = parsed(body)?;
            control.trust(&user, &owner, &repository, workflow.as_deref(), &words(&globs)).map_err(text)?;
        }
        "github-job" => {
            let Job { repository, workflow } = parsed(body)?;
            return shown(&control.github_job(&repository, &workflow));
        }
        "gitlab-token" => {
            let GitlabJob { project, audience } = parsed(body)?;
            return shown(&control.gitlab_token(&project, &audience).map_err(text)?);
        }
        _ => return Err(format!("there is no `{path}` to write")),
    }
    Ok(json!({}))
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
