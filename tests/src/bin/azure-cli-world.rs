//! Runs inside a network and mount namespace of its own, where Azure's names lead to this machine: the real Azure CLI
//! signs in, and the shipped programs, with no client id and no override at all, do the main job with what it lends.
//! Started by the test `azure_cli`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::{Emulator, Options};
use valetkey_tests::{Ran, Sandbox, find_on_path, programs, user_code};

/// A machine under load takes a while.
const SOON: Duration = Duration::from_secs(60);
const REPOSITORY: &str = "Payments%20Platform/_git/Card%20Auth%20(v2).Service";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "azure cli world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let az = PathBuf::from(std::env::args().nth(1).context("where is az?")?);
    let options = Options { sealed: Some(([127, 0, 0, 1], 443).into()), ..Options::default() };
    let emulator = Emulator::start(options).context("the emulator does not start on port 443")?;
    let sandbox = sandbox(&emulator, &az)?;
    signed_out(&sandbox)?;
    sign_in(&sandbox, &az, &emulator)?;
    main_job(&sandbox, &emulator)?;
    after_a_restart(&sandbox, &emulator)?;
    elsewhere(&sandbox, &emulator)?;
    challenged(&sandbox, &az, &emulator)?;
    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(emulator.control().live_pats().is_empty(), "keys are left alive");
    ensure!(emulator.control().violations().is_empty(), "{:?}", emulator.control().violations());
    sandbox.valetkey(&["agent", "stop"])?.expect_ok("agent stop")?;
    Ok(())
}

fn sandbox(emulator: &Emulator, az: &Path) -> Result<Sandbox> {
    let git = find_on_path("git").context("git is not installed")?;
    let mut sandbox = Sandbox::new(&programs()?, &git)?;
    let authority = sandbox.home().join("authority.pem");
    fs::write(&authority, emulator.ca_pem())?;
    for variable in ["SSL_CERT_FILE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"] {
        sandbox.set(variable, authority.display().to_string());
    }
    sandbox.set("AZURE_CONFIG_DIR", sandbox.home().join("az").display().to_string());
    sandbox.set("AZURE_CORE_COLLECT_TELEMETRY", "false");
    let folder = az.parent().context("az has no folder")?.display().to_string();
    sandbox.set("PATH", format!("{folder}:/usr/bin:/bin"));
    if let Some(bus) = valetkey_tests::variable("DBUS_SESSION_BUS_ADDRESS") {
        sandbox.set("DBUS_SESSION_BUS_ADDRESS", bus.to_string_lossy());
    }
    Ok(sandbox)
}

/// What a person reads who has neither a registration nor a signed-in Azure CLI.
fn signed_out(sandbox: &Sandbox) -> Result<()> {
    refused(&sandbox.valetkey(&["login", "contoso"])?, &["no client id", "--from az", "--for-admin"])?;
    let said = ["the Azure CLI is not signed in", "run `az login --tenant "];
    refused(&sandbox.valetkey(&["login", "contoso", "--from", "az"])?, &said)
}

fn refused(ran: &Ran, words: &[&str]) -> Result<()> {
    let said = ran.stderr();
    ensure!(!ran.ok() && words.iter().all(|word| said.contains(word)), "wanted {words:?}: {said}");
    Ok(())
}

/// The real program, by a code that somebody types elsewhere.
fn sign_in(sandbox: &Sandbox, az: &Path, emulator: &Emulator) -> Result<()> {
    sign_in_with(sandbox, az, emulator, &["login", "--allow-no-subscriptions"])
}

fn sign_in_with(sandbox: &Sandbox, az: &Path, emulator: &Emulator, arguments: &[&str]) -> Result<()> {
    let mut command = sandbox.command(az);
    command.args(arguments).args(["--use-device-code", "--output", "none"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
    loop {
        let mut line = String::new();
        ensure!(lines.read_line(&mut line)? > 0, "az shows no code: {said}");
        said.push_str(&line);
        if let Some(code) = user_code(&line) {
            emulator.control().approve_device(&code)?;
            break;
        }
    }
    lines.read_to_string(&mut said)?;
    ensure!(child.wait()?.success(), "az login failed: {said}");
    Ok(())
}

fn main_job(sandbox: &Sandbox, emulator: &Emulator) -> Result<()> {
    let login = sandbox.valetkey(&["login", "contoso", "--from", "az"])?.expect_ok("login --from az")?;
    ensure!(login.stdout().contains("signed in as alice@contoso.example"), "{}", login.stdout());
    let status = sandbox.valetkey(&["status"])?.expect_ok("status")?;
    ensure!(status.stdout().contains("access tokens come from the Azure CLI"), "{}", status.stdout());
    sandbox.valetkey(&["setup", "git"])?.expect_ok("setup git")?;
    let work = sandbox.work();
    sandbox.git(&work, &["clone", &address("contoso"), "tree"])?.expect_ok("clone")?;
    let tree = work.join("tree");
    fs::write(tree.join("pushed"), "with what the Azure CLI lends")?;
    sandbox.git(&tree, &["add", "."])?.expect_ok("add")?;
    sandbox.git(&tree, &["commit", "-m", "From an Azure CLI"])?.expect_ok("commit")?;
    sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
    ensure!(emulator.control().live_pats().len() == 2, "{:?}", emulator.control().live_pats());
    Ok(())
}

fn address(organisation: &str) -> String {
    format!("https://dev.azure.com/{organisation}/{REPOSITORY}")
}

/// Nothing of the session is ours: a new agent asks the Azure CLI again, and can still revoke and mint.
fn after_a_restart(sandbox: &Sandbox, emulator: &Emulator) -> Result<()> {
    sandbox.valetkey(&["agent", "restart"])?.expect_ok("agent restart")?;
    sandbox.valetkey(&["keys", "revoke", "--all"])?.expect_ok("keys revoke")?;
    ensure!(emulator.control().live_pats().is_empty(), "keys are left alive after a restart");
    sandbox.git(&sandbox.work().join("tree"), &["fetch"])?.expect_ok("fetch after a restart")?;
    ensure!(emulator.control().live_pats().len() == 1, "nothing was minted after a restart");
    Ok(())
}

/// The organisation wants a sign-in with claims. What the person is told to run is run as it stands, and mends it.
fn challenged(sandbox: &Sandbox, az: &Path, emulator: &Emulator) -> Result<()> {
    sandbox.valetkey(&["keys", "revoke", "--all"])?.expect_ok("keys revoke")?;
    emulator.control().challenge_claims("alice", true)?;
    let fetch = || sandbox.git(&sandbox.work().join("tree"), &["fetch"]);
    let said = fetch()?.stderr();
    ensure!(said.contains("the organisation wants a fresh sign-in of the Azure CLI"), "{said}");
    let told: Vec<Vec<&str>> = said
        .split('`')
        .filter(|part| part.starts_with("az "))
        .map(|part| part.split(' ').skip(1).collect())
        .collect();
    let [logout, login] = told.as_slice() else { anyhow::bail!("no two commands: {said}") };
    ensure!(login.contains(&"--claims-challenge"), "{said}");
    let mut command = sandbox.command(az);
    command.args(logout);
    sandbox.run(command)?.expect_ok("az logout")?;
    sign_in_with(sandbox, az, emulator, login)?;
    // What the lender refused is believed for five seconds.
    let since = Instant::now();
    let mut fetched = fetch()?;
    while !fetched.ok() && since.elapsed() < SOON {
        fetched = fetch()?;
    }
    fetched.expect_ok("after the command that was advised")?;
    Ok(())
}

/// A guest's token is asked for of the organisation's tenant; a tenant without the person is named.
fn elsewhere(sandbox: &Sandbox, emulator: &Emulator) -> Result<()> {
    sandbox.valetkey(&["login", "fabrikam", "--from", "az"])?.expect_ok("login as a guest")?;
    sandbox.git(&sandbox.work(), &["ls-remote", &address("fabrikam")])?.expect_ok("ls-remote as a guest")?;
    let nowhere = "0badcafe-0000-4000-8000-000000000009";
    let ran = sandbox.valetkey(&["login", "contoso", "--from", "az", "--tenant", nowhere])?;
    refused(&ran, &["the Azure CLI", nowhere])?;
    ensure!(emulator.control().live_pats().len() == 2, "{:?}", emulator.control().live_pats());
    Ok(())
}
