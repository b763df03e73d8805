//! Machines that are not people: they get Entra tokens and make no keys.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::{APP_CONFIDENTIAL, Action, Fault, Host, MANAGED_IDENTITY};
use valetkey_tests::{Ran, Rig, read_below};

const REPOSITORY: &str = "contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const ACCOUNT: &str = "system:serviceaccount:build:runner";
const CONNECTION: &str = "5a17ab1e-0000-4000-8000-0000000000c1";

fn keep(rig: &Rig, proof: &str, mode: u32) -> Result<String> {
    let file = rig.sandbox.home().join("proof");
    fs::write(&file, proof)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    Ok(file.display().to_string())
}

fn login(rig: &Rig, kind: &str, proof: &str, mode: u32) -> Result<Ran> {
    let file = keep(rig, proof, mode)?;
    let command =
        ["login", "contoso", "--machine", kind, "--client-id", APP_CONFIDENTIAL, "--proof-file", &file];
    rig.sandbox.valetkey(&command)
}

/// Real git clones by the machine's token; the machine asked for no PAT and is told so; nothing leaked.
fn works(rig: &Rig, through: &str, username: &str) -> Result<()> {
    rig.set_up_git()?;
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    let status = rig.sandbox.valetkey(&["status"])?.expect_ok("status")?.stdout();
    ensure!(status.contains(&format!("access tokens come from {through}")), "{status}");
    ensure!(rig.mints() == 0, "a machine asked for a PAT");
    let sentence =
        format!("`{username}` is {through}, and Azure DevOps gives personal access tokens to people only");
    for asks in [&["pat", "list"][..], &["pat", "create", "ci", "--scope", "vso.code", "--keep", "ci"]] {
        let ran = rig.sandbox.valetkey(asks)?;
        refused(&ran, &sentence)?;
        refused(&ran, "git and NuGet get its Entra tokens and need none")?;
    }
    unseen(rig)?;
    ensure!(rig.control().violations().is_empty(), "{:?}", rig.control().violations());
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    Ok(())
}

/// No secret stands in what the agent wrote.
fn unseen(rig: &Rig) -> Result<()> {
    let secrets = rig.control().secrets();
    let mut seen = Vec::new();
    for folder in ["state", "cache"] {
        read_below(&rig.sandbox.home().join(folder), &mut seen)?;
    }
    ensure!(!seen.is_empty(), "the agent wrote nothing");
    for (place, text) in &seen {
        ensure!(!secrets.iter().any(|secret| text.contains(secret)), "a secret is in {place}");
    }
    Ok(())
}

fn refused(ran: &Ran, words: &str) -> Result<()> {
    ensure!(!ran.ok() && ran.stderr().contains(words), "{words}\n{}", ran.stderr());
    Ok(())
}

#[test]
fn a_service_principal_clones_with_a_secret_from_a_file() -> Result<()> {
    let rig = Rig::new()?;
    login(&rig, "secret", "emulator-client-secret\n", 0o600)?.expect_ok("login")?;
    works(&rig, "a service principal", APP_CONFIDENTIAL)
}

#[test]
fn a_service_principal_clones_with_a_certificate_from_a_file() -> Result<()> {
    let rig = Rig::new()?;
    let pem = rig.control().client_certificate(APP_CONFIDENTIAL)?;
    login(&rig, "certificate", &pem, 0o600)?.expect_ok("login")?;
    works(&rig, "a service principal", APP_CONFIDENTIAL)
}

#[test]
fn a_certificate_that_is_not_registered_is_named() -> Result<()> {
    let rig = Rig::new()?;
    let foreign = rig.control().client_certificate("somebody-else")?;
    let ran = login(&rig, "certificate", &foreign, 0o600)?;
    refused(&ran, "does not take the proof")?;
    refused(&ran, "AADSTS700027")?;
    let bare = foreign.split_once("-----BEGIN PRIVATE KEY").map_or("", |(certificate, _)| certificate);
    refused(&login(&rig, "certificate", bare, 0o600)?, "no private key in PEM in the file")
}

#[test]
fn a_pod_clones_with_its_federated_token() -> Result<()> {
    let mut rig = Rig::new()?;
    rig.control().federate_cluster(APP_CONFIDENTIAL, ACCOUNT);
    let token = rig.control().cluster_token(ACCOUNT, AUDIENCE)?;
    let file = keep(&rig, &token, 0o600)?;
    // What the webhook of Microsoft Entra Workload ID sets.
    rig.sandbox.set("AZURE_FEDERATED_TOKEN_FILE", file);
    rig.sandbox.set("AZURE_CLIENT_ID", APP_CONFIDENTIAL);
    rig.sandbox.set("AZURE_TENANT_ID", valetkey_emulator::TENANT_HOME);
    rig.sandbox.set("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/");
    rig.sandbox.valetkey(&["login", "contoso", "--machine", "federated"])?.expect_ok("login")?;
    works(&rig, "the workload identity of this pod", APP_CONFIDENTIAL)
}

#[test]
fn a_federated_token_of_another_is_refused_by_number() -> Result<()> {
    let rig = Rig::new()?;
    let control = rig.control();
    let token = control.cluster_token(ACCOUNT, AUDIENCE)?;
    refused(&login(&rig, "federated", &token, 0o600)?, "AADSTS70021")?;
    control.federate_github(APP_CONFIDENTIAL, "contoso/app");
    refused(&login(&rig, "federated", &token, 0o600)?, "AADSTS700211")?;
    control.federate_cluster(APP_CONFIDENTIAL, "system:serviceaccount:build:other");
    refused(&login(&rig, "federated", &token, 0o600)?, "AADSTS700213")?;
    control.federate_cluster(APP_CONFIDENTIAL, ACCOUNT);
    let other = control.cluster_token(ACCOUNT, "https://www.nuget.org")?;
    refused(&login(&rig, "federated", &other, 0o600)?, "AADSTS700212")?;
    let late = Fault::new(Action::entra("assertion_expired")).host(Host::Login);
    control.fault(late);
    refused(&login(&rig, "federated", &token, 0o600)?, "AADSTS700024")?;
    login(&rig, "federated", &token, 0o600)?.expect_ok("the right one")?;
    Ok(())
}

#[test]
fn a_job_of_github_clones_and_asks_for_a_new_token_each_time() -> Result<()> {
    let mut rig = Rig::new()?;
    rig.control().federate_github(APP_CONFIDENTIAL, "contoso/app");
    let job = rig.control().github_job("contoso/app", "build.yml");
    let command = ["login", "contoso", "--machine", "github", "--client-id", APP_CONFIDENTIAL];
    refused(&rig.sandbox.valetkey(&command)?, "`ACTIONS_ID_TOKEN_REQUEST_URL` is not set")?;
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_URL", job.url);
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.token);
    // Each sign-in shows another token, or Entra's counterpart would refuse it.
    rig.sandbox.valetkey(&command)?.expect_ok("login")?;
    rig.sandbox.valetkey(&command)?.expect_ok("login again")?;
    ensure!(rig.control().requests_to(Host::Oidc, "GET", "/oidc/token").len() >= 2);
    works(&rig, "the identity of this GitHub job", APP_CONFIDENTIAL)
}

#[test]
fn a_job_of_azure_pipelines_clones_by_its_service_connection() -> Result<()> {
    let mut rig = Rig::new()?;
    rig.control().federate_pipelines(APP_CONFIDENTIAL, CONNECTION);
    let job = rig.control().pipelines_job(CONNECTION);
    let command = ["login", "contoso", "--machine", "pipelines", "--client-id", APP_CONFIDENTIAL];
    refused(&rig.sandbox.valetkey(&command)?, "the service connection is not named")?;
    rig.sandbox.set("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", CONNECTION);
    rig.sandbox.set("SYSTEM_OIDCREQUESTURI", job.url);
    refused(&rig.sandbox.valetkey(&command)?, "`SYSTEM_ACCESSTOKEN` is not set")?;
    rig.sandbox.set("SYSTEM_ACCESSTOKEN", "a-personal-access-token");
    let ran = rig.sandbox.valetkey(&command)?;
    refused(&ran, "Azure Pipelines gives this job no identity token (401)")?;
    rig.sandbox.set("SYSTEM_ACCESSTOKEN", job.token);
    rig.sandbox.valetkey(&command)?.expect_ok("login")?;
    let other = [&command[..], &["--service-connection", "5a17ab1e-0000-4000-8000-0000000000c2"]].concat();
    refused(&rig.sandbox.valetkey(&other)?, "knows no running job or no service connection")?;
    works(&rig, "the service connection of this pipeline", APP_CONFIDENTIAL)
}

#[test]
fn a_virtual_machine_clones_by_its_managed_identity_through_passing_trouble() -> Result<()> {
    let mut rig = Rig::new()?;
    let host = rig.emulator.urls().imds.clone();
    rig.sandbox.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", host);
    for status in [410, 500] {
        rig.control().fault(Fault::new(Action::status(status)).host(Host::Imds).times(1));
    }
    rig.sandbox.valetkey(&["login", "contoso", "--machine", "managed"])?.expect_ok("login")?;
    ensure!(rig.control().requests_to(Host::Imds, "GET", "/metadata").len() == 3);
    let unknown = ["login", "contoso", "--machine", "managed", "--client-id", APP_CONFIDENTIAL];
    refused(&rig.sandbox.valetkey(&unknown)?, "this machine has no such managed identity")?;
    works(&rig, "the managed identity of this machine", MANAGED_IDENTITY)
}

#[test]
fn an_app_service_clones_by_its_managed_identity() -> Result<()> {
    let mut rig = Rig::new()?;
    let service = rig.control().app_service();
    rig.sandbox.set("IDENTITY_ENDPOINT", service.endpoint);
    rig.sandbox.set("IDENTITY_HEADER", service.header);
    let named = ["login", "contoso", "--machine", "managed", "--client-id", MANAGED_IDENTITY];
    rig.sandbox.valetkey(&named)?.expect_ok("login")?;
    works(&rig, "the managed identity of this app service", MANAGED_IDENTITY)
}

#[test]
fn the_metadata_service_stands_on_loopback_or_at_its_own_address() -> Result<()> {
    let mut rig = Rig::new()?;
    rig.sandbox.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://metadata.evil.example");
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--machine", "managed"])?;
    refused(&ran, "`metadata.evil.example` is not Azure's metadata service")
}

#[test]
fn a_wrong_secret_and_a_file_that_others_can_change_are_named() -> Result<()> {
    let rig = Rig::new()?;
    refused(&login(&rig, "secret", "nonsense", 0o600)?, "does not take the proof of")?;
    let ran = login(&rig, "secret", "emulator-client-secret", 0o666)?;
    refused(&ran, "can be changed by other users")
}

#[test]
fn an_agent_that_was_restarted_says_that_the_job_must_sign_in_again() -> Result<()> {
    let mut rig = Rig::new()?;
    rig.control().federate_github(APP_CONFIDENTIAL, "contoso/app");
    let job = rig.control().github_job("contoso/app", "build.yml");
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_URL", job.url);
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.token);
    let command = ["login", "contoso", "--machine", "github", "--client-id", APP_CONFIDENTIAL];
    rig.sandbox.valetkey(&command)?.expect_ok("login")?;
    rig.set_up_git()?;
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    let work = rig.sandbox.work();
    let ran = rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?;
    refused(&ran, "no longer knows the identity of this GitHub job")?;
    rig.sandbox.valetkey(&command)?.expect_ok("login again")?;
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    Ok(())
}

#[test]
fn a_keyring_that_is_not_there_is_named_and_not_needed() -> Result<()> {
    let git = valetkey_demo::find_on_path("git").context("git is not installed")?;
    let rig = Rig::with(&git, "[vault]\nstore = \"os\"\n")?;
    login(&rig, "secret", "emulator-client-secret", 0o600)?.expect_ok("login")?;
    rig.set_up_git()?;
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    // Nothing takes its place in silence.
    let ran = rig.sandbox.valetkey(&["status"])?;
    ensure!(!ran.ok() && ran.stdout().contains("the system's keyring, there is none"), "{}", ran.stdout());
    Ok(())
}
