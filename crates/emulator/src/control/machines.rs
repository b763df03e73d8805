//! The tests' hand on machines that are not people.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::handle::Control;
use crate::{arc, machines, oidc};

/// A job of Azure Pipelines.
#[derive(Debug, Clone, Serialize)]
pub struct PipelinesJob {
    /// `SYSTEM_OIDCREQUESTURI`.
    pub url: String,
    /// `SYSTEM_ACCESSTOKEN`.
    pub token: String,
}

/// An app service with a managed identity.
#[derive(Debug, Clone, Serialize)]
pub struct AppService {
    /// `IDENTITY_ENDPOINT`.
    pub endpoint: String,
    /// `IDENTITY_HEADER`.
    pub header: String,
}

/// A server that Azure Arc connects. Its agent answers where [`crate::Options::metadata`] says.
#[derive(Debug, Clone, Serialize)]
pub struct ArcAgent {
    /// `IDENTITY_ENDPOINT`.
    pub endpoint: String,
    /// `IMDS_ENDPOINT`.
    pub imds: String,
}

impl Control {
    /// The application trusts the `main` branch of this repository on GitHub.
    pub fn federate_github(&self, client_id: &str, repository: &str) {
        let subject = format!("repo:{repository}:ref:refs/heads/main");
        self.shared.world().machines.federate(client_id, oidc::GITHUB, &subject);
    }

    /// The application trusts this service connection of Azure Pipelines.
    pub fn federate_pipelines(&self, client_id: &str, connection: &str) {
        let subject = oidc::subject_of(connection);
        self.shared.world().machines.federate(client_id, oidc::PIPELINES, &subject);
    }

    /// The application trusts this service account of the cluster, as `system:serviceaccount:NAMESPACE:NAME`.
    pub fn federate_cluster(&self, client_id: &str, account: &str) {
        self.shared.world().machines.federate(client_id, oidc::KUBERNETES, account);
    }

    /// A token of the cluster for this service account, as Kubernetes writes it into a pod's file.
    pub fn cluster_token(&self, account: &str, audience: &str) -> Result<String> {
        oidc::issue_to(&mut self.shared.world(), oidc::KUBERNETES, account, audience)
    }

    /// Starts a job of Azure Pipelines that may use this service connection.
    pub fn pipelines_job(&self, connection: &str) -> PipelinesJob {
        let mut world = self.shared.world();
        let token = oidc::start_pipeline(&mut world, connection);
        let job = "contoso/p1/_apis/distributedtask/hubs/build/plans/1/jobs/2/oidctoken";
        PipelinesJob { url: format!("{}/{job}", world.urls.oidc), token }
    }

    /// Ends every job: their secrets open nothing any more.
    pub fn end_jobs(&self) {
        self.shared.world().oidc.end_jobs();
    }

    /// Starts an app service with the managed identity.
    pub fn app_service(&self) -> AppService {
        let mut world = self.shared.world();
        let header = world.random.opaque("", 32);
        world.machines.set_header(&header);
        AppService { endpoint: format!("{}/msi/token", world.urls.imds), header }
    }

    /// Connects the machine to Azure Arc: keys to be shown lie in this folder.
    pub fn arc(&self, folder: &Path) -> ArcAgent {
        self.shared.world().machines.arc.connect(folder);
        let imds = format!("http://localhost:{}", arc::PORT);
        ArcAgent { endpoint: format!("{imds}/metadata/identity/oauth2/token"), imds }
    }

    /// Gives an application a certificate: it and its private key in PEM.
    pub fn client_certificate(&self, client_id: &str) -> Result<String> {
        machines::certify(&mut self.shared.world(), client_id)
    }
}
