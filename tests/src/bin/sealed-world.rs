//! Runs inside a network and mount namespace of its own, where Azure's names lead to this machine: the shipped
//! programs, with no override at all, do the main job; or the client of NuGet that is named restores while the agent
//! dies. Started by the tests.

use std::{
    fs,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{APP_MINT, Action, Emulator, Fault, Host, Options};
use valetkey_tests::{
    Ran, Sandbox,
    clients::{Client, Dotnet10, Dotnet31, NugetExe, Person},
    gits, sealed_home, sign_in_with_device_code, write_sources,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "sealed world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = Options { sealed: Some(([127, 0, 0, 1], 443).into()), ..Options::default() };
    let emulator = Emulator::start(options).context("the emulator does not start on port 443")?;
    let gits = gits();
    let git = gits.first().context("git is not installed")?;
    match std::env::args().nth(1).as_deref() {
        Some(Dotnet10::NAME) => packages::<Dotnet10>(&sealed_home(git, &emulator)?, &emulator),
        Some(Dotnet31::NAME) => packages::<Dotnet31>(&sealed_home(git, &emulator)?, &emulator),
        Some(NugetExe::NAME) => packages::<NugetExe>(&sealed_home(git, &emulator)?, &emulator),
        Some(other) => bail!("`{other}` is no client"),
        None => gits.iter().try_for_each(|git| {
            main_job(&sealed_home(git, &emulator)?, &emulator)
                .with_context(|| format!("with {}", git.display()))
        }),
    }
}

/// A restore from a host that every plugin knows, whose agent dies while it mints: the plugin starts another one, which
/// has the session from the keyring, and nobody notices.
fn packages<C: Client>(sandbox: &Sandbox, emulator: &Emulator) -> Result<()> {
    let client = C::find().map_err(|missing| anyhow!(missing))?;
    client.set_up(sandbox)?;
    let control = emulator.control();
    let approve = |code: &str| control.approve_device(code);
    sign_in_with_device_code(sandbox, &["contoso", "--client-id", APP_MINT], approve)?.expect_ok("login")?;
    let folder = sandbox.work().join("app");
    client.write_project(&folder, "app", &[("Contoso.Core", "1.0.0")])?;
    let feed = "https://pkgs.dev.azure.com/contoso/_packaging/shared/nuget/v3/index.json";
    write_sources(&folder, &[("shared", feed)])?;
    control.fault(Fault::new(Action::Hold).host(Host::Vssps).method("POST").path("tokens/pats").always());
    let mut command = client.restore(sandbox, &folder, Person::Absent);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let restore = thread::spawn(move || child.wait_with_output());
    let deadline = Instant::now() + Duration::from_secs(60);
    while control.held() == 0 {
        ensure!(Instant::now() < deadline, "nothing is minted");
        thread::sleep(Duration::from_millis(10));
    }
    let status: Value = serde_json::from_str(&sandbox.valetkey(&["status", "--json"])?.stdout())?;
    let pid = status["pid"].as_u64().context("no agent")?.to_string();
    ensure!(Command::new("kill").args(["-KILL", &pid]).status()?.success(), "the agent could not be killed");
    control.clear_faults();
    control.release();
    let output = restore.join().map_err(|_| anyhow!("the restore could not be waited for"))??;
    Ran { output, took: Duration::ZERO }.expect_ok("restore whose agent was killed")?;
    // The key whose making was cut off is looked for a while longer, which is no failure: there is none.
    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(control.live_pats().is_empty(), "keys are left alive: {:?}", control.live_pats());
    sandbox.valetkey(&["agent", "stop"])?.expect_ok("agent stop")?;
    Ok(())
}

fn main_job(sandbox: &Sandbox, emulator: &Emulator) -> Result<()> {
    let control = emulator.control();
    let approve = |code: &str| control.approve_device(code);
    let work = sandbox.work();
    sign_in_with_device_code(sandbox, &["contoso", "--client-id", APP_MINT], approve)?.expect_ok("login")?;
    sandbox.valetkey(&["setup", "git"])?.expect_ok("setup git")?;
    let url = "https://dev.azure.com/contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service";
    sandbox.git(&work, &["clone", url, "tree"])?.expect_ok("clone")?;
    let tree = work.join("tree");
    let name = format!("pushed-{}", std::process::id());
    fs::write(tree.join(&name), sandbox.home().display().to_string())?;
    sandbox.git(&tree, &["add", "."])?.expect_ok("add")?;
    sandbox.git(&tree, &["commit", "-m", "From a sealed world"])?.expect_ok("commit")?;
    sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
    let old = "https://contoso.visualstudio.com/DefaultCollection/Payments%20Platform/_git/Card%20Auth%20(v2).Service";
    sandbox.git(&work, &["ls-remote", old])?.expect_ok("ls-remote by the old name")?;

    // The keyring keeps the session: a new agent needs no new sign-in and no new key.
    sandbox.valetkey(&["agent", "restart"])?.expect_ok("agent restart")?;
    let before = control.live_pats().len();
    sandbox.git(&tree, &["fetch"])?.expect_ok("fetch after a restart")?;
    ensure!(control.live_pats().len() == before, "the restarted agent minted again");

    sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(control.live_pats().is_empty(), "keys are left alive");
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    sandbox.valetkey(&["agent", "stop"])?.expect_ok("agent stop")?;
    Ok(())
}
