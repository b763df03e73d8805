//! What a job lent is gone once it has signed out.

use anyhow::{Result, bail, ensure};
use valetkey_client::{Connection, Start};
use valetkey_emulator::{APP_CONFIDENTIAL, GithubJob, Host};
use valetkey_paths::Paths;
use valetkey_protocol::{Answer, ClientKind, Flow, LoginRequest, Machine, Request, TokenSource};
use valetkey_tests::Rig;

const LOGIN: [&str; 6] = ["login", "contoso", "--machine", "github", "--client-id", APP_CONFIDENTIAL];

/// A rig with the variables of a job that is trusted.
fn rig() -> Result<(Rig, GithubJob)> {
    let mut rig = Rig::new()?;
    rig.control().federate_github(APP_CONFIDENTIAL, "contoso/app");
    let job = rig.control().github_job("contoso/app", "build.yml");
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_URL", job.url.clone());
    rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.token.clone());
    Ok((rig, job))
}

/// What a program that knows the job's address, and not its secret, gets of the agent.
#[test]
fn signing_out_forgets_at_once_what_the_job_lent() -> Result<()> {
    let (rig, job) = rig()?;
    rig.sandbox.valetkey(&LOGIN)?.expect_ok("login")?;
    let known = without_proof(&rig, &job)?;
    ensure!(matches!(known, Answer::SignedIn { .. }), "{known:?}");
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    let asked = || rig.control().requests_to(Host::Oidc, "GET", "/oidc/token").len();
    let before = asked();
    let Answer::Refused(refusal) = without_proof(&rig, &job)? else { bail!("the agent still knows the job") };
    ensure!(refusal.sentence.contains("no longer knows the identity of this GitHub job"), "{refusal:?}");
    ensure!(asked() == before, "the issuer was asked");
    rig.sandbox.valetkey(&LOGIN)?.expect_ok("login with the secret")?;
    Ok(())
}

/// A sign-in as this job by way of the socket, without handing its proof over as `valetkey login` does.
fn without_proof(rig: &Rig, job: &GithubJob) -> Result<Answer> {
    let mut paths = Paths::under(rig.sandbox.home())?;
    paths.socket = rig.sandbox.home().join("run/valetkey/agent.sock");
    let machine = Machine::Github { client_id: APP_CONFIDENTIAL.to_owned(), url: job.url.clone() };
    let login = LoginRequest {
        organisation: Some("contoso".to_owned()),
        tenant: None,
        client_id: None,
        flow: Flow::DeviceCode,
        fresh: true,
        account: None,
        from: Some(TokenSource::Machine(machine)),
    };
    let mut connection = Connection::open(&paths, ClientKind::Cli, Start::Never)?;
    Ok(connection.ask(&Request::Login(login))?)
}
