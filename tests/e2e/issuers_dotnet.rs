//! NuGet where organisations forbid personal access tokens: the real .NET SDK with the plugin.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use serde_json::json;
use valetkey_emulator::{APP_CONFIDENTIAL, APP_LEND, CredentialKind, Host, SelfDescribing, nupkg};
use valetkey_tests::{
    Ran, Rig,
    clients::{Client as _, Dotnet10},
    find_on_path, sign_in_with_device_code, skip,
};

use crate::nuget::{bench::Bench, terminal::limited};

const PACKAGE: (&str, &str) = ("Contoso.Text", "1.2.0");

/// A bench with more lines in the configuration; nothing, recorded as a skip, where there is no SDK.
fn bench(test: &str, more: &str) -> Result<Option<Bench<Dotnet10>>> {
    let client = match Dotnet10::find() {
        Ok(client) => client,
        Err(missing) => {
            skip(test, &missing);
            return Ok(None);
        }
    };
    let git = find_on_path("git").ok_or_else(|| anyhow::anyhow!("git is not installed"))?;
    let rig = Rig::with(&git, more)?;
    client.set_up(&rig.sandbox)?;
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    Ok(Some(Bench { rig, client }))
}

/// Two restores by processes of their own and a push, which is all that anybody does with a feed.
fn restores_and_pushes(bench: &Bench<Dotnet10>, organisation: &str) -> Result<()> {
    let folder = bench.project(organisation, PACKAGE)?;
    bench.run(bench.restore(&folder))?.expect_ok("restore")?;
    ensure!(bench.client.restored(&folder, PACKAGE), "nothing was restored");
    bench.forget_packages(&folder)?;
    bench.run(bench.restore(&folder))?.expect_ok("restore again")?;
    let package = folder.join("Contoso.New.1.0.0.nupkg");
    fs::write(&package, nupkg("Contoso.New", "1.0.0", &[]))?;
    let push = bench.client.push(&bench.rig.sandbox, &package, "shared");
    bench.run(limited(&push))?.expect_ok("push")?;
    let there = |id: &str| bench.rig.control().packages().iter().any(|package| package.id == id);
    ensure!(there("Contoso.New"), "nothing arrived");
    Ok(())
}

/// Every request that the feed served came with this kind. NuGet tries an empty name and password of its own first.
fn came_with(rig: &Rig, kind: CredentialKind) -> Result<()> {
    let mut asked = rig.control().requests();
    asked.retain(|asked| asked.host == Host::Pkgs && asked.status != Some(401));
    ensure!(asked.iter().any(|asked| asked.method == "PUT"), "the feed served nobody");
    let other = asked.iter().find(|asked| asked.credential != kind);
    ensure!(other.is_none(), "{:?}", other.map(|asked| (asked.credential, &asked.method, &asked.path)));
    Ok(())
}

#[test]
fn dotnet_restores_and_pushes_with_session_tokens_where_pats_are_forbidden() -> Result<()> {
    let Some(bench) = bench("issuers: dotnet with session tokens", "")? else { return Ok(()) };
    bench.sign_in("locked")?;
    restores_and_pushes(&bench, "locked")?;
    let (control, sessions) = (bench.rig.control(), sessions(&bench.rig));
    ensure!(sessions == 2, "{sessions} session tokens for reading and writing");
    ensure!(bench.rig.mints() == 2, "{} PATs were asked for", bench.rig.mints());
    // The emulator knows session tokens by the name of what they stand for.
    came_with(&bench.rig, CredentialKind::Pat)?;
    ensure!(bench.scopes() == ["vso.packaging", "vso.packaging_write"], "{:?}", bench.scopes());
    let status = bench.rig.sandbox.valetkey(&["status"])?.stdout();
    for scope in ["vso.packaging", "vso.packaging_write"] {
        ensure!(status.contains(&format!("session token for locked ({scope})")), "{status}");
    }
    ensure!(control.mail().is_empty(), "people got mail: {:?}", control.mail());
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    Ok(())
}

#[test]
fn many_projects_of_two_such_organisations_share_one_session_token_each() -> Result<()> {
    let Some(bench) = bench("issuers: many projects with session tokens", "")? else { return Ok(()) };
    let control = bench.rig.control();
    control.set_policy("contoso", json!({"restrict-creation": "all"}))?;
    bench.sign_in("locked")?;
    bench.sign_in("contoso")?;
    let names: Vec<_> = (0..8).map(|number| format!("p{number}")).collect();
    let top = bench.solution(&names, &[PACKAGE, ("Fabrikam.Tools", "2.0.0")], &["locked", "contoso"])?;
    bench.run(bench.restore(&top))?.expect_ok("restore of eight projects")?;
    bench.forget_packages(&top)?;
    let restores = names.iter().take(3).map(|name| bench.restore(&top.join(name)).spawn());
    for child in restores.collect::<Result<Vec<_>, _>>()? {
        let ran = Ran { output: child.wait_with_output()?, took: Duration::ZERO };
        ran.expect_ok("restore by a process of its own")?;
    }
    ensure!(sessions(&bench.rig) == 2, "{} session tokens for two organisations", sessions(&bench.rig));
    ensure!(bench.rig.mints() == 2, "{} PATs were asked for", bench.rig.mints());
    ensure!(bench.scopes() == ["vso.packaging", "vso.packaging"], "{:?}", bench.scopes());
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    Ok(())
}

#[test]
fn dotnet_restores_and_pushes_with_entra_tokens_where_both_are_forbidden() -> Result<()> {
    let lists = format!("[issuers]\nentra-organisations = [\"locked\"]\nentra-client-id = \"{APP_LEND}\"\n");
    let Some(bench) = bench("issuers: dotnet with Entra tokens", &lists)? else { return Ok(()) };
    let control = bench.rig.control();
    control.switch(|it| it.self_describing = SelfDescribing::PolicyViolation);
    bench.sign_in("locked")?;
    let approve = |code: &str| control.approve_device(code);
    sign_in_with_device_code(&bench.rig.sandbox, &["locked", "--client-id", APP_LEND], approve)?
        .expect_ok("login to lend")?;
    let looked = || control.requests_to(Host::Dev, "GET", "connectionData").len();
    let before = looked();
    restores_and_pushes(&bench, "locked")?;
    came_with(&bench.rig, CredentialKind::BasicEntra)?;
    let looked = looked() - before;
    ensure!(looked == 2, "tokens were looked at {looked} times for reading and writing");
    ensure!(bench.rig.mints() == 2 && sessions(&bench.rig) == 2, "asked for more than once for each purpose");
    ensure!(control.pats().is_empty(), "{:?}", control.pats());
    bench.nothing_left()
}

/// The kinds whose proof comes from the platform; the others differ in where the same token comes from.
#[test]
fn dotnet_restores_and_pushes_as_a_job_of_github() -> Result<()> {
    let Some(mut bench) = bench("machines: dotnet in a GitHub job", "")? else { return Ok(()) };
    bench.rig.control().federate_github(APP_CONFIDENTIAL, "contoso/app");
    let job = bench.rig.control().github_job("contoso/app", "build.yml");
    bench.rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_URL", job.url);
    bench.rig.sandbox.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.token);
    as_a_machine(&bench, &["--machine", "github", "--client-id", APP_CONFIDENTIAL])
}

#[test]
fn dotnet_restores_and_pushes_as_an_app_service() -> Result<()> {
    let Some(mut bench) = bench("machines: dotnet in an app service", "")? else { return Ok(()) };
    let service = bench.rig.control().app_service();
    bench.rig.sandbox.set("IDENTITY_ENDPOINT", service.endpoint);
    bench.rig.sandbox.set("IDENTITY_HEADER", service.header);
    as_a_machine(&bench, &["--machine", "managed"])
}

fn as_a_machine(bench: &Bench<Dotnet10>, kind: &[&str]) -> Result<()> {
    let command = [&["login", "contoso"], kind].concat();
    bench.rig.sandbox.valetkey(&command)?.expect_ok("login")?;
    restores_and_pushes(bench, "contoso")?;
    came_with(&bench.rig, CredentialKind::BasicEntra)?;
    ensure!(bench.rig.mints() == 0 && sessions(&bench.rig) == 0, "a machine asked for what it cannot have");
    bench.nothing_left()
}

fn sessions(rig: &Rig) -> usize {
    rig.control().requests_to(Host::Vssps, "POST", "SessionTokens").len()
}
