//! `valetkey login` at npm's `oidc-provider`.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_tests::{
    fidelity::{Needs, client},
    others::{self, Scene, Settings},
};

use super::{AT_PROVIDER, Server, play};

const PROVIDER: Server = Server("oidc-provider", AT_PROVIDER);

/// Below the folder of clients.
const PYTHON: &str = "python/bin/python";

/// Does something until it has an effect; it is an error when that takes too long.
fn until(mut act: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !act()? {
        ensure!(Instant::now() < deadline, "it never came about");
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// `valetkey login` where nobody is there to help: it ends soon, or fails.
fn sign_in_silently(scene: &Scene) -> Result<()> {
    let mut login = scene.sandbox.command("timeout");
    login.args(["60", "valetkey", "login", "--device-code"]);
    let ran = scene.sandbox.run(login)?;
    ensure!(ran.ok(), "{}{:?}", ran.stderr(), scene.provider.said());
    Ok(())
}

/// Whether `valetkey status` shows that somebody is signed in.
fn status_names(scene: &Scene, somebody: bool) -> Result<()> {
    let status = scene.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("ann@contoso.example") == somebody, "{status}");
    Ok(())
}

#[test]
fn a_browser_signs_in_at_oidc_provider() -> Result<()> {
    play(PROVIDER, "browser", || {
        let scene = Scene::of_provider(Settings::default(), "")?;
        let (ran, page) = scene.person()?.sign_in(&scene.sandbox, &[])?;
        let ran = ran.expect_ok("signing in")?;
        ensure!(!page.contains("code="), "the page shows what it should not: {page}");
        ensure!(ran.stdout().contains("ann@contoso.example"), "{}", ran.stdout());
        let said = scene.provider.said();
        let authorized =
            said.iter().find(|line| line["event"] == "authorized").context("nobody was let in")?;
        ensure!(authorized["challenge"] == "S256", "{authorized}");
        ensure!(scene.provider.count("granted", "authorization_code") == 1, "{said:?}");
        status_names(&scene, true)?;
        sign_in_silently(&scene)?;
        scene.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        status_names(&scene, false)?;
        ensure!(scene.provider.count("refused", "refresh_token") == 0, "{said:?}");
        scene.versions()
    })
}

#[test]
fn a_device_code_signs_in_at_oidc_provider() -> Result<()> {
    play(PROVIDER, "device code", || {
        let scene = Scene::of_provider(Settings::default(), "")?;
        let ran = scene.person()?.sign_in_by_code(&scene.sandbox, &scene.provider.device_page(), &[])?;
        let ran = ran.expect_ok("signing in")?;
        ensure!(ran.stdout().contains("ann@contoso.example"), "{}", ran.stdout());
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        ensure!(scene.provider.count("granted", grant) == 1, "{:?}", scene.provider.said());
        scene.versions()
    })
}

#[test]
fn a_person_declines_at_oidc_provider() -> Result<()> {
    play(PROVIDER, "declined", || {
        let scene = Scene::of_provider(Settings::default(), "")?;
        let person = scene.person()?;
        let (ran, page) = person.decline(&scene.sandbox)?;
        ensure!(!ran.ok() && ran.stderr().contains("declined"), "{}{}", ran.stdout(), ran.stderr());
        ensure!(page.contains("not signed in"), "{page}");
        let ran = person.decline_by_code(&scene.sandbox, &scene.provider.device_page())?;
        ensure!(!ran.ok() && ran.stderr().contains("declined"), "{}{}", ran.stdout(), ran.stderr());
        scene.versions()
    })
}

#[test]
fn a_session_at_oidc_provider_is_refreshed_again_and_again() -> Result<()> {
    play(PROVIDER, "refresh", || {
        let scene = Scene::of_provider(Settings { token_seconds: 2, ..Settings::default() }, "")?;
        scene.person()?.sign_in(&scene.sandbox, &[])?.0.expect_ok("signing in")?;
        // Each refresh token is good for one use: the third proves that the second was kept.
        until(|| {
            sign_in_silently(&scene)?;
            Ok(scene.provider.count("granted", "refresh_token") >= 3)
        })?;
        let said = scene.provider.said();
        let refused: Vec<_> = said.iter().filter(|line| line["event"] == "refused").collect();
        // It grants no `offline_access` unless the person is asked for consent, and then will not hear of it.
        ensure!(refused.iter().all(|line| line["error"] == "invalid_scope"), "{refused:?}");
        ensure!(scene.provider.count("granted", "authorization_code") == 1, "{said:?}");
        scene.versions()
    })
}

#[test]
fn a_session_at_oidc_provider_outlives_the_agent() -> Result<()> {
    play(PROVIDER, "agent restarted", || {
        let vault = "[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"\n";
        let scene = Scene::of_provider(Settings::default(), vault)?;
        scene.person()?.sign_in(&scene.sandbox, &[])?.0.expect_ok("signing in")?;
        for refreshes in 1..=2 {
            scene.sandbox.valetkey(&["agent", "stop"])?.expect_ok("stopping the agent")?;
            sign_in_silently(&scene)?;
            let said = scene.provider.said();
            ensure!(scene.provider.count("granted", "refresh_token") == refreshes, "{said:?}");
        }
        scene.versions()
    })
}

#[test]
fn a_provider_that_says_nothing_of_the_person_is_enough() -> Result<()> {
    play(PROVIDER, "bare id_token", || {
        let scene = Scene::of_provider(Settings { bare: true, token_seconds: 2, ..Settings::default() }, "")?;
        scene.person()?.sign_in(&scene.sandbox, &[])?.0.expect_ok("signing in")?;
        until(|| {
            sign_in_silently(&scene)?;
            Ok(scene.provider.count("granted", "refresh_token") >= 1)
        })?;
        // OpenID Connect promises no more than `sub`.
        status_names(&scene, true)?;
        scene.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        scene.versions()
    })
}

#[test]
fn an_application_that_oidc_provider_does_not_know_is_named_so() -> Result<()> {
    play(PROVIDER, "unknown application", || {
        let scene = Scene::of_provider(Settings::default(), "")?;
        let ran = scene.sandbox.valetkey(&["login", "--device-code", "--client-id", "somebody-else"])?;
        ensure!(!ran.ok() && ran.stderr().contains("application"), "{}{}", ran.stdout(), ran.stderr());
        scene.versions()
    })
}

#[test]
fn msal_for_python_finds_its_way_at_oidc_provider() -> Result<()> {
    let with_python = Needs { clients: &[others::PROVIDER, PYTHON], ..PROVIDER.1 };
    play(Server(PROVIDER.0, with_python), "MSAL for Python", || {
        let python = client(PYTHON).context("no Python")?;
        let scene = Scene::of_provider(Settings::default(), "")?;
        let provider = &scene.provider;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/others/with_msal.py");
        let mut msal = scene.sandbox.command(&python);
        msal.arg(script).arg(format!("{}/{}", provider.url(), provider.tenant())).arg(provider.client_id());
        msal.arg(scene.sandbox.home().join("authority.pem"));
        msal.arg("499b84ac-1321-427f-aa17-267ca6975798/vso.pats");
        let mut msal = msal.stdout(Stdio::piped()).spawn()?;
        let mut lines =
            BufReader::new(msal.stdout.take().context("no output")?).lines().map_while(Result::ok);
        let code = lines.next().context("no code")?;
        let approved = scene.person()?.approve(&provider.device_page(), &code);
        if approved.is_err() {
            msal.kill()?;
        }
        let last = lines.last();
        ensure!(msal.wait()?.success(), "MSAL failed: {code} {last:?} {approved:?}");
        let last: Value = serde_json::from_str(&last.context("MSAL says nothing")?)?;
        ensure!(last["user"] == "ann@contoso.example" && last["refreshed"] == true, "{last}");
        Ok(format!("{}, msal {}", scene.versions()?, last["version"].as_str().unwrap_or_default()))
    })
}
