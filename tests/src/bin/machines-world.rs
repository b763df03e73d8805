//! Runs inside a network and mount namespace of its own, where the names and addresses of Azure lead to this machine: the
//! shipped programs sign in as it, by Azure's metadata service or Azure Arc's, with no override at all. Started by the
//! tests.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};
use valetkey_emulator::{APP_CONFIDENTIAL, Action, Emulator, Fault, Host, MANAGED_IDENTITY, Options, nupkg};
use valetkey_tests::{
    Sandbox,
    clients::{Client as _, Dotnet10, Person},
    cover, gits, sealed_home, skip, write_sources,
};

const REPOSITORY: &str = "https://dev.azure.com/contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";
const FEED: &str = "https://pkgs.dev.azure.com/contoso/_packaging/shared/nuget/v3/index.json";
const LOGIN: [&str; 4] = ["login", "contoso", "--machine", "managed"];
/// Where an Azure Arc agent puts keys.
const TOKENS: &str = "/var/opt/azcmagent/tokens";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sealed world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("metadata-service") => metadata_service(),
        Some("azure-arc") => azure_arc(),
        Some("azure-arc-hostile") => azure_arc_hostile(),
        other => bail!("{other:?} is nothing to do"),
    }
}

fn world(metadata: ([u8; 4], u16)) -> Result<(Emulator, Sandbox)> {
    let options = Options {
        sealed: Some(([127, 0, 0, 1], 443).into()),
        metadata: vec![metadata.into()],
        ..Options::default()
    };
    let emulator = Emulator::start(options)?;
    let git = gits().first().cloned().context("git is not installed")?;
    let mut sandbox = sealed_home(&git, &emulator)?;
    // Nobody listens there: what is asked by way of it is not answered.
    sandbox.set("ALL_PROXY", "http://127.0.0.1:9");
    sandbox.set("NO_PROXY", "dev.azure.com,vssps.dev.azure.com,pkgs.dev.azure.com,login.microsoftonline.com");
    sandbox.write_configuration("[vault]\nstore = \"memory\"\n")?;
    Ok((emulator, sandbox))
}

/// A server whose Azure Arc agent has its keys where they are wanted.
fn connected() -> Result<(Emulator, Sandbox)> {
    cover("/var/opt")?;
    fs::create_dir_all(TOKENS)?;
    world(([127, 0, 0, 1], 40342))
}

fn metadata_service() -> Result<()> {
    let (emulator, sandbox) = world(([169, 254, 169, 254], 80))?;
    sandbox.valetkey(&LOGIN)?.expect_ok("login")?;
    serves_everybody(&emulator, &sandbox, "the managed identity of this machine")?;
    let asked = emulator.control().requests_to(Host::Imds, "GET", "/metadata");
    ensure!(asked.len() == 1, "one token for git and NuGet, and not {}", asked.len());
    ensure!(asked[0].authority == "169.254.169.254", "{}", asked[0].authority);
    ended(&emulator, &sandbox)
}

fn azure_arc() -> Result<()> {
    let (emulator, mut sandbox) = connected()?;
    let agent = emulator.control().arc(Path::new(TOKENS));
    let refused = |sandbox: &Sandbox, command: &[&str], words: &str| -> Result<()> {
        let ran = sandbox.valetkey(command)?;
        ensure!(!ran.ok() && ran.stderr().contains(words), "{words}\n{}", ran.stderr());
        Ok(())
    };
    refused(&sandbox, &LOGIN, "no metadata service of Azure answers here")?;

    sandbox.set("IDENTITY_ENDPOINT", agent.endpoint);
    sandbox.set("IMDS_ENDPOINT", agent.imds);
    emulator.control().fault(Fault::new(Action::status(503)).host(Host::Imds).times(1));
    sandbox.valetkey(&LOGIN)?.expect_ok("login by what is in the environment")?;
    let asked = emulator.control().requests_to(Host::Imds, "GET", "/metadata").len();
    ensure!(asked == 3, "trouble, a challenge and a token are three requests, and not {asked}");
    serves_everybody(&emulator, &sandbox, "the Azure Arc identity of this machine")?;
    ensure!(fs::read_dir(TOKENS)?.count() == 0, "keys are left");
    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;

    let named = [&LOGIN[..], &["--client-id", MANAGED_IDENTITY]].concat();
    sandbox.valetkey(&named)?.expect_ok("login as an identity that is named")?;
    let unknown = [&LOGIN[..], &["--client-id", APP_CONFIDENTIAL]].concat();
    refused(&sandbox, &unknown, "this machine has no such managed identity")?;
    emulator.control().switch(|it| it.arc_own_identity_only = true);
    refused(&sandbox, &named, "the Azure Arc agent gave another identity than the one of `--client-id`")?;
    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;

    // A shell in which the variables are not set.
    sandbox.set("IDENTITY_ENDPOINT", "");
    sandbox.set("IMDS_ENDPOINT", "");
    cover("/opt")?;
    fs::create_dir_all("/opt/azcmagent/bin")?;
    fs::write("/opt/azcmagent/bin/himds", "")?;
    sandbox.valetkey(&LOGIN)?.expect_ok("login by the agent's program")?;
    ended(&emulator, &sandbox)
}

/// What listens on the agent's port names files that are none of its keys: nothing of them goes there.
fn azure_arc_hostile() -> Result<()> {
    let (emulator, mut sandbox) = connected()?;
    let control = emulator.control();
    control.record();
    let agent = control.arc(Path::new(TOKENS));
    sandbox.set("IDENTITY_ENDPOINT", agent.endpoint);
    sandbox.set("IMDS_ENDPOINT", agent.imds);
    let elsewhere = sandbox.home().join("canary.key");
    fs::write(&elsewhere, "canary")?;
    let tokens = Path::new(TOKENS);
    symlink(&elsewhere, tokens.join("link.key"))?;
    fs::write(tokens.join("long.key"), "canary".repeat(700))?;
    fs::write(tokens.join("canary.txt"), "canary")?;
    let (outside, unreadable) =
        ("names a file that is no key in `/var/opt/azcmagent/tokens`", "cannot be read");
    for (realm, words) in [
        (elsewhere.display().to_string(), outside),
        (format!("{TOKENS}/../../../..{}", elsewhere.display()), outside),
        (format!("\"{}\"", elsewhere.display()), outside),
        (format!("{TOKENS}/canary.txt"), outside),
        ("canary.key".to_owned(), outside),
        (format!("{TOKENS}/link.key"), unreadable),
        (format!("{TOKENS}/long.key"), unreadable),
        (format!("{TOKENS}/absent.key"), unreadable),
    ] {
        control.clear_faults();
        let headers = vec![("www-authenticate".to_owned(), format!("Basic realm={realm}"))];
        control.fault(Fault::new(Action::Headers { headers }).host(Host::Imds).always());
        let before = control.requests_to(Host::Imds, "GET", "/metadata").len();
        let ran = sandbox.valetkey(&LOGIN)?;
        ensure!(!ran.ok() && ran.stderr().contains(words), "{realm}\n{}", ran.stderr());
        ensure!(!ran.stderr().contains("canarycanary"), "{realm}\n{}", ran.stderr());
        let asked = control.requests_to(Host::Imds, "GET", "/metadata").len() - before;
        ensure!(asked == 1, "{realm}: asked {asked} times");
    }
    let exchanges = control.exchanges();
    let told = exchanges.values().flat_map(|exchange| &exchange.headers);
    ensure!(told.clone().count() > 0, "nothing was recorded");
    ensure!(told.into_iter().all(|(_, value)| !value.contains("canary")), "a file went to the hostile agent");
    control.clear_faults();
    sandbox.valetkey(&LOGIN)?.expect_ok("login at an honest agent")?;
    ended(&emulator, &sandbox)
}

/// git clones and pushes, and where there is a .NET SDK it restores and pushes: all by the machine's token.
fn serves_everybody(emulator: &Emulator, sandbox: &Sandbox, through: &str) -> Result<()> {
    let status = sandbox.valetkey(&["status"])?.expect_ok("status")?.stdout();
    ensure!(status.contains(&format!("access tokens come from {through}")), "{status}");
    sandbox.valetkey(&["setup", "git"])?.expect_ok("setup git")?;
    let work = sandbox.work();
    sandbox.git(&work, &["clone", REPOSITORY, "tree"])?.expect_ok("clone")?;
    let tree = work.join("tree");
    fs::write(tree.join("from-a-machine"), "")?;
    sandbox.git(&tree, &["add", "."])?.expect_ok("add")?;
    sandbox.git(&tree, &["commit", "-m", "From a machine"])?.expect_ok("commit")?;
    sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
    let client = match Dotnet10::find() {
        Ok(client) => client,
        Err(missing) => {
            skip("machines in a sealed world: dotnet", &missing);
            return Ok(());
        }
    };
    client.set_up(sandbox)?;
    let folder = work.join("app");
    client.write_project(&folder, "app", &[("Contoso.Text", "1.2.0")])?;
    write_sources(&folder, &[("shared", FEED)])?;
    run_to_its_end(sandbox, client.restore(sandbox, &folder, Person::Absent), "restore")?;
    ensure!(client.restored(&folder, ("Contoso.Text", "1.2.0")), "nothing was restored");
    let package = folder.join("Contoso.Machine.1.0.0.nupkg");
    fs::write(&package, nupkg("Contoso.Machine", "1.0.0", &[]))?;
    run_to_its_end(sandbox, client.push(sandbox, &package, "shared"), "push of a package")?;
    let there = emulator.control().packages().iter().any(|package| package.id == "Contoso.Machine");
    ensure!(there, "no package arrived");
    Ok(())
}

fn run_to_its_end(sandbox: &Sandbox, command: Command, what: &str) -> Result<()> {
    sandbox.run(command)?.expect_ok(what)?;
    Ok(())
}

fn ended(emulator: &Emulator, sandbox: &Sandbox) -> Result<()> {
    let control = emulator.control();
    ensure!(control.pats().is_empty(), "a machine made a PAT");
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    sandbox.valetkey(&["agent", "stop"])?.expect_ok("agent stop")?;
    Ok(())
}
