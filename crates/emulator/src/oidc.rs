//! Identity tokens of builds, as GitHub and GitLab issue them (GitHub: "OpenID Connect reference").

use std::collections::BTreeMap;

use anyhow::Result;
use http::Method;
use serde_json::json;

use crate::{
    answer::Answer,
    call::{Call, Credential},
    certificate::Signer,
    clock::Time,
    machines,
    world::World,
};

pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(crate) const KUBERNETES: &str = "https://oidc.cluster.example";
pub(crate) const PIPELINES: &str = "https://vstoken.dev.azure.com/5a17ab1e-0000-4000-8000-0000000000b1";
pub(crate) const GITLAB: &str = "https://gitlab.com";
/// Seconds that a token lives.
const LIFETIME: i64 = 300;

/// A token that was issued.
#[derive(Debug, Clone)]
pub(crate) struct IdToken {
    pub(crate) issuer: &'static str,
    pub(crate) audience: String,
    pub(crate) subject: String,
    pub(crate) repository: String,
    pub(crate) workflow: Option<String>,
    pub(crate) expires: Time,
    pub(crate) used: bool,
}

/// A running GitHub job, by the secret that it asks for tokens with.
#[derive(Debug, Clone)]
struct Job {
    repository: String,
    workflow: String,
}

/// What was issued to builds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oidc {
    jobs: BTreeMap<String, Job>,
    /// Jobs of Azure Pipelines, each with the service connections it may use.
    pipelines: BTreeMap<String, Vec<String>>,
    tokens: BTreeMap<String, IdToken>,
}

impl Oidc {
    pub(crate) fn token(&mut self, value: &str) -> Option<&mut IdToken> {
        self.tokens.get_mut(value)
    }

    pub(crate) fn end_jobs(&mut self) {
        self.jobs.clear();
        self.pipelines.clear();
    }

    pub(crate) fn knows_job(&self, secret: &str) -> bool {
        self.jobs.contains_key(secret) || self.pipelines.contains_key(secret)
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &String> {
        self.jobs.keys().chain(self.pipelines.keys()).chain(self.tokens.keys())
    }
}

/// Starts a GitHub job and gives the secret of its `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
pub(crate) fn start_job(world: &mut World, repository: &str, workflow: &str) -> String {
    let secret = world.random.opaque("eyJ", 400);
    let job = Job { repository: repository.to_owned(), workflow: workflow.to_owned() };
    world.oidc.jobs.insert(secret.clone(), job);
    secret
}

/// Issues a token to a build of this repository, of a workflow on GitHub or without one on GitLab.
pub(crate) fn issue(
    world: &mut World,
    repository: &str,
    workflow: Option<&str>,
    audience: &str,
) -> Result<String> {
    let now = world.now();
    let issuer = if workflow.is_some() { GITHUB } else { GITLAB };
    let reference = "refs/heads/main";
    let mut claims = json!({
        "iss": issuer, "aud": audience, "jti": world.random.guid(),
        "iat": now.seconds(), "nbf": now.seconds(), "exp": now.seconds() + LIFETIME, "ref": reference,
    });
    if let Some(workflow) = workflow {
        let owner = repository.split('/').next().unwrap_or_default();
        let file = format!("{repository}/.github/workflows/{workflow}@{reference}");
        claims["sub"] = json!(format!("repo:{repository}:ref:{reference}"));
        claims["repository"] = json!(repository);
        claims["repository_owner"] = json!(owner);
        claims["workflow_ref"] = json!(file);
        claims["job_workflow_ref"] = json!(file);
    } else {
        claims["sub"] = json!(format!("project_path:{repository}:ref_type:branch:ref:main"));
        claims["project_path"] = json!(repository);
    }
    let value = Signer::shared()?.jwt(&claims)?;
    let token = IdToken {
        issuer,
        subject: claims["sub"].as_str().unwrap_or_default().to_owned(),
        audience: audience.to_owned(),
        repository: repository.to_owned(),
        workflow: workflow.map(str::to_owned),
        expires: now.plus(LIFETIME),
        used: false,
    };
    world.oidc.tokens.insert(value.clone(), token);
    Ok(value)
}

/// Issues a token of this issuer for this subject.
pub(crate) fn issue_to(
    world: &mut World,
    issuer: &'static str,
    subject: &str,
    audience: &str,
) -> Result<String> {
    let now = world.now();
    let value = Signer::shared()?.jwt(&json!({
        "iss": issuer, "aud": audience, "sub": subject, "jti": world.random.guid(),
        "iat": now.seconds(), "nbf": now.seconds(), "exp": now.seconds() + LIFETIME,
    }))?;
    let token = IdToken {
        issuer,
        subject: subject.to_owned(),
        audience: audience.to_owned(),
        repository: String::new(),
        workflow: None,
        expires: now.plus(LIFETIME),
        used: false,
    };
    world.oidc.tokens.insert(value.clone(), token);
    Ok(value)
}

/// Starts a job of Azure Pipelines that may use this service connection, and gives its `SYSTEM_ACCESSTOKEN`.
pub(crate) fn start_pipeline(world: &mut World, connection: &str) -> String {
    let secret = world.random.opaque("eyJ", 400);
    world.oidc.pipelines.insert(secret.clone(), vec![connection.to_owned()]);
    secret
}

/// The subject of a service connection's tokens.
pub(crate) fn subject_of(connection: &str) -> String {
    format!("sc://contoso/Payments Platform/{connection}")
}

/// The `oidc` host: `POST …/oidctoken?api-version=7.1&serviceConnectionId=…` is Azure Pipelines (Microsoft: "Oidctoken -
/// Create"), everything else GitHub Actions.
pub(crate) fn handle(world: &mut World, call: &Call) -> Answer {
    if call.segments.last().is_none_or(|last| last != "oidctoken") {
        return github(world, call);
    }
    let connections = match &call.credential {
        Credential::Bearer(secret) => world.oidc.pipelines.get(secret).cloned(),
        _ => None,
    };
    let Some(connections) = connections else { return Answer::empty(401) };
    let asked = call.parameter("serviceConnectionId").unwrap_or_default();
    if call.method != Method::POST || !connections.iter().any(|known| known == asked) {
        return Answer::json(404, &json!({"message": "The service connection was not found."}));
    }
    if call.api_version().is_none() {
        return Answer::json(400, &json!({"message": "No api-version was supplied."}));
    }
    match issue_to(world, PIPELINES, &subject_of(asked), machines::AUDIENCE) {
        Ok(token) => Answer::json(200, &json!({"oidcToken": token})),
        Err(error) => Answer::json(500, &json!({"error": format!("{error:#}")})),
    }
}

/// `GET …/oidc/token?audience=…` with a job's secret: GitHub's `{"value": …}`.
pub(crate) fn github(world: &mut World, call: &Call) -> Answer {
    let job = match &call.credential {
        Credential::Bearer(secret) => world.oidc.jobs.get(secret).cloned(),
        _ => None,
    };
    let Some(job) = job else { return Answer::empty(401) };
    let audience = call.parameter("audience").map_or_else(
        || format!("https://github.com/{}", job.repository.split('/').next().unwrap_or_default()),
        str::to_owned,
    );
    match issue(world, &job.repository, Some(&job.workflow), &audience) {
        Ok(value) => Answer::json(200, &json!({"count": value.len(), "value": value})),
        Err(error) => Answer::json(500, &json!({"error": format!("{error:#}")})),
    }
}
