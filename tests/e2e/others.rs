//! The other direction: the shipped programs at servers that other people wrote.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{
    Dotnet, Sandbox, needs,
    others::{Scene, Settings, clients, write_feed},
    skip, write_project, write_sources,
};

/// Whether the provider and a browser are here; if not, the skip is recorded.
fn can_sign_in(test: &str) -> bool {
    if clients().is_none() {
        skip(test, "npm's oidc-provider is not below `VALETKEY_CLIENTS`");
        return false;
    }
    needs(test, &["node", "chromium", "chromedriver"])
}

fn can_serve(test: &str) -> bool {
    needs(test, &["nginx", "fcgiwrap"]) && can_sign_in(test)
}

/// Does something until it has an effect; it is an error when that takes too long.
fn until(mut act: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !act()? {
        ensure!(Instant::now() < deadline, "it never came about");
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// `valetkey login` where nobody is there to help: it ends soon, or fails.
fn sign_in_silently(scene: &Scene) -> Result<()> {
    let mut login = scene.sandbox.command("timeout");
    login.args(["20", "valetkey", "login", "--device-code"]);
    let ran = scene.sandbox.run(login)?;
    ensure!(ran.ok(), "{}{:?}", ran.stderr(), scene.provider.said());
    Ok(())
}

/// The password that git gets for an address, or what it was told instead.
fn password(sandbox: &Sandbox, url: &str) -> Result<String> {
    let mut fill = sandbox.command("git");
    fill.args(["credential", "fill"]);
    let mut fill = fill.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    fill.stdin.take().context("no input")?.write_all(format!("url={url}\n\n").as_bytes())?;
    let out = fill.wait_with_output()?;
    let said = String::from_utf8_lossy(&out.stdout);
    let password = said.lines().find_map(|line| line.strip_prefix("password="));
    Ok(password.with_context(|| String::from_utf8_lossy(&out.stderr).into_owned())?.to_owned())
}

/// The status that a git host answers a key with.
fn status_for(scene: &Scene, url: &str, key: &str) -> Result<String> {
    let authority = scene.sandbox.home().join("authority.pem");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--config", "-"]);
    curl.arg("--cacert").arg(authority).arg(format!("{url}/info/refs?service=git-upload-pack"));
    let mut curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    curl.stdin.take().context("no input")?.write_all(format!("user = \"ann:{key}\"\n").as_bytes())?;
    Ok(String::from_utf8(curl.wait_with_output()?.stdout)?)
}

#[test]
fn a_browser_signs_in_at_oidc_provider() -> Result<()> {
    if !can_sign_in("oidc-provider: browser") {
        return Ok(());
    }
    let scene = Scene::of_provider(Settings::default(), "")?;
    let (ran, page) = scene.person()?.sign_in(&scene.sandbox, &[])?;
    let ran = ran.expect_ok("signing in")?;
    ensure!(!page.contains("code="), "the page shows what it should not: {page}");
    ensure!(ran.stdout().contains("ann@contoso.example"), "{}", ran.stdout());
    let said = scene.provider.said();
    let authorized = said.iter().find(|line| line["event"] == "authorized").context("nobody was let in")?;
    ensure!(authorized["challenge"] == "S256", "{authorized}");
    ensure!(scene.provider.count("granted", "authorization_code") == 1, "{said:?}");
    let status = scene.sandbox.valetkey(&["status"])?.expect_ok("status")?.stdout();
    ensure!(status.contains("ann@contoso.example"), "{status}");
    sign_in_silently(&scene)?;
    scene.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    let status = scene.sandbox.valetkey(&["status"])?.stdout();
    ensure!(!status.contains("ann@contoso.example"), "{status}");
    ensure!(scene.provider.count("refused", "refresh_token") == 0, "{said:?}");
    scene.provider.content()
}

#[test]
fn a_device_code_signs_in_at_oidc_provider() -> Result<()> {
    if !can_sign_in("oidc-provider: device code") {
        return Ok(());
    }
    let scene = Scene::of_provider(Settings::default(), "")?;
    let page = format!("{}/devicelogin", scene.provider.url());
    let ran = scene.person()?.sign_in_by_code(&scene.sandbox, &page, &[])?.expect_ok("signing in")?;
    ensure!(ran.stdout().contains("ann@contoso.example"), "{}", ran.stdout());
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    ensure!(scene.provider.count("granted", grant) == 1, "{:?}", scene.provider.said());
    scene.provider.content()
}

#[test]
fn a_session_at_oidc_provider_is_refreshed_again_and_again() -> Result<()> {
    if !can_sign_in("oidc-provider: refresh") {
        return Ok(());
    }
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
    scene.provider.content()
}

#[test]
fn git_clones_and_pushes_through_nginx_and_fcgiwrap() -> Result<()> {
    if !can_serve("nginx: git") {
        return Ok(());
    }
    let scene = Scene::of_servers(Settings::default(), "")?;
    let nginx = scene.nginx()?;
    let (_, url) = nginx.new_repository("contoso/widgets/_git/widgets")?;
    // The tenant is the one that nginx's challenge names: the configuration knows none.
    scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
    scene.sandbox.valetkey(&["setup", "git", "--host", &nginx.dev()])?.expect_ok("setup git")?;
    let work = scene.sandbox.work();
    scene.sandbox.git(&work, &["clone", "--quiet", &url, "tree"])?.expect_ok("clone")?;
    let tree = work.join("tree");
    fs::write(tree.join("HELLO.md"), "served by others\n")?;
    for args in [
        &["add", "HELLO.md"][..],
        &["commit", "--quiet", "--message", "Say hello"],
        &["push", "--quiet", "origin", "HEAD:main"],
    ] {
        scene.sandbox.git(&tree, args)?.expect_ok(&args.join(" "))?;
    }
    scene.sandbox.git(&work, &["clone", "--quiet", &url, "second"])?.expect_ok("clone again")?;
    ensure!(work.join("second/HELLO.md").is_file(), "what was pushed is not what was cloned");
    ensure!(nginx.count("POST", "git-receive-pack", 200) == 1, "{}", nginx.log());
    let key = password(&scene.sandbox, &url)?;
    ensure!(status_for(&scene, &url, &key)? == "200", "a key is refused");
    ensure!(status_for(&scene, &url, "made-up")? == "401", "nginx lets everybody in");
    scene.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(status_for(&scene, &url, &key)? == "401", "a key outlives the sign-out");
    scene.provider.content()
}

#[test]
fn dotnet_restores_from_a_static_feed_behind_nginx() -> Result<()> {
    let Some(dotnet) = Dotnet::find() else {
        skip("nginx: dotnet restore", "no .NET SDK on PATH, and `VALETKEY_DOTNET` names none");
        return Ok(());
    };
    if !can_serve("nginx: dotnet restore") {
        return Ok(());
    }
    let scene = Scene::of_servers(Settings::default(), "")?;
    let nginx = scene.nginx()?;
    let packages = [("Contoso.Text", "1.2.0"), ("Contoso.Net", "3.0.1")];
    let feed = write_feed(&nginx.feeds(), &nginx.pkgs(), "contoso/_packaging/shared", &packages)?;
    scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
    let folder = scene.sandbox.work().join("app");
    write_project(&folder, "app", &packages)?;
    write_sources(&folder, &[("shared", &feed)])?;
    let ran = dotnet.run(&scene.sandbox, &folder, &["restore", "--no-cache", "-v", "minimal"])?;
    ran.expect_ok("restore")?;
    for (id, version) in packages {
        let name = id.to_lowercase();
        let file = format!("{name}.{version}.nupkg");
        ensure!(nginx.count("GET", &file, 200) == 1, "{}", nginx.log());
        ensure!(scene.sandbox.home().join(".nuget/packages").join(name).is_dir(), "{id} was not unpacked");
    }
    scene.provider.content()
}
