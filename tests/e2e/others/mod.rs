//! The other direction: the shipped programs at servers that other people wrote. Each flow is a line of the table that
//! `cargo xtask fidelity` prints, with the server where the client stands elsewhere.

mod feed;
mod git;
mod provider;

use anyhow::{Result, ensure};
use valetkey_tests::{
    fidelity::{Needs, Row},
    others::{self, Scene, Settings},
    skip,
};

/// A server as the table names it, and what has to be here for it.
#[derive(Clone, Copy)]
struct Server(&'static str, Needs);

const AT_PROVIDER: Needs = Needs {
    programs: &["node", "chromium", "chromedriver", "curl"],
    clients: &[others::PROVIDER],
    dotnet: false,
};

const BEHIND_NGINX: Needs =
    Needs { programs: &["nginx", "fcgiwrap", "node", "chromium", "chromedriver", "curl"], ..AT_PROVIDER };

/// Plays a flow where everything it needs is here. It gives the versions of the servers.
fn play(Server(name, needs): Server, flow: &str, run: impl FnOnce() -> Result<String>) -> Result<()> {
    let mut row = Row::begin(name, flow);
    if let Some(missing) = needs.missing() {
        row.skipped(&missing);
        skip(&format!("{name}: {flow}"), &missing);
        return Ok(());
    }
    match run() {
        Ok(version) => row.passed(&version),
        Err(error) => {
            row.failed(&error.to_string());
            return Err(error);
        }
    }
    Ok(())
}

/// Servers whose PAT API refuses to make any: what is handed out is the provider's own token, of a registration for that.
fn restricted() -> Result<Scene> {
    let lender = others::LENDER;
    let issuers = format!(
        "[issuers]\nsession-tokens = false\nentra-organisations = [\"contoso\"]\nentra-client-id = \"{lender}\"\n"
    );
    let scene = Scene::of_servers(Settings { restricted: true, ..Settings::default() }, &issuers)?;
    scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
    let to_lend = ["contoso", "--client-id", lender];
    scene.person()?.sign_in(&scene.sandbox, &to_lend)?.0.expect_ok("signing in to lend")?;
    Ok(scene)
}

/// Nothing but the provider made what was handed out: the PAT API was asked, and refused; nobody asked for another kind.
fn only_the_provider_gave(scene: &Scene) -> Result<()> {
    let nginx = scene.nginx()?;
    ensure!(nginx.count("POST", "tokens/pats", 200) >= 1, "no key was asked for: {}", nginx.log());
    ensure!(!nginx.log().to_lowercase().contains("sessiontokens"), "{}", nginx.log());
    let status = scene.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("Entra token for contoso"), "{status}");
    ensure!(status.contains("disablePatCreationPolicyViolation"), "{status}");
    Ok(())
}
