//! git at its own server, behind nginx that asks the provider about each key.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{
    Sandbox,
    others::{self, Scene, Settings},
};

use super::{BEHIND_NGINX, Server, only_the_provider_gave, play, restricted};

const GIT: Server = Server("git http-backend, nginx", BEHIND_NGINX);

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
    let url = format!("{url}/info/refs?service=git-upload-pack");
    let out = curl(scene, &url, &format!("user = \"ann:{key}\"\n"))?;
    Ok(String::from_utf8(out.stdout)?)
}

/// curl, with secrets on standard input. Writes the status.
fn curl(scene: &Scene, url: &str, secrets: &str) -> Result<Output> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--config", "-"]);
    curl.arg("--cacert").arg(scene.sandbox.home().join("authority.pem")).arg(url);
    let mut curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    curl.stdin.take().context("no input")?.write_all(secrets.as_bytes())?;
    Ok(curl.wait_with_output()?)
}

fn bearer(token: &str) -> String {
    format!("header = \"Authorization: Bearer {token}\"\n")
}

/// A repository, somebody signed in, git set up. The tenant is the one that nginx's challenge names.
fn signed_in_with_git(scene: &Scene) -> Result<String> {
    let nginx = scene.nginx()?;
    let url = nginx.new_repository("contoso/widgets/_git/widgets")?;
    scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
    scene.sandbox.valetkey(&["setup", "git", "--host", &nginx.dev()])?.expect_ok("setting git up")?;
    Ok(url)
}

/// The token that nginx made a key of, which is what the provider knows.
fn token_of(key: &str) -> String {
    let made = key.strip_prefix("key.").and_then(|made| made.split_at_checked(made.len() - 1));
    made.map_or_else(|| key.to_owned(), |(rest, first)| format!("{first}{rest}"))
}

/// Revokes a token at the provider, and the session that it came from.
fn revoke(scene: &Scene, client_id: &str, token: &str) -> Result<()> {
    let token = token_of(token);
    let form = format!("data = \"token={token}\"\ndata = \"client_id={client_id}\"\n");
    let said = curl(scene, &scene.provider.endpoint("revoke"), &form)?;
    ensure!(said.stdout.ends_with(b"200"), "{}", String::from_utf8_lossy(&said.stdout));
    Ok(())
}

#[test]
fn git_clones_and_pushes_through_nginx_and_fcgiwrap() -> Result<()> {
    play(GIT, "clone, push", || {
        let scene = Scene::of_servers(Settings::default(), "")?;
        let nginx = scene.nginx()?;
        let url = signed_in_with_git(&scene)?;
        let work = scene.sandbox.work();
        scene.sandbox.git(&work, &["clone", "--quiet", &url, "tree"])?.expect_ok("clone")?;
        let tree = work.join("tree");
        // More than git keeps in one buffer, so that it is sent in chunks.
        let noise: Vec<u8> =
            (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        fs::write(tree.join("noise"), noise)?;
        for args in [
            &["add", "noise"][..],
            &["commit", "--quiet", "--message", "Say hello"],
            &["push", "--quiet", "origin", "HEAD:main"],
        ] {
            scene.sandbox.git(&tree, args)?.expect_ok(&args.join(" "))?;
        }
        scene.sandbox.git(&work, &["clone", "--quiet", &url, "second"])?.expect_ok("clone again")?;
        ensure!(work.join("second/noise").is_file(), "what was pushed is not what was cloned");
        let pushed = nginx.count("POST", "git-receive-pack", 200);
        ensure!(pushed >= 1, "{}", nginx.log());
        let key = password(&scene.sandbox, &url)?;
        ensure!(status_for(&scene, &url, &key)? == "200", "a key is refused");
        ensure!(status_for(&scene, &url, "made-up")? == "401", "nginx lets everybody in");
        scene.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        let log = nginx.log();
        let revoked: BTreeSet<_> = log.lines().filter(|line| line.contains(" DELETE ")).collect();
        ensure!(revoked.len() == 2, "one key to read, one to write: {}", nginx.log());
        scene.versions()
    })
}

#[test]
fn a_session_that_the_provider_ends_is_begun_anew() -> Result<()> {
    play(GIT, "session ended", || {
        let scene = Scene::of_servers(Settings::default(), "")?;
        let url = signed_in_with_git(&scene)?;
        let work = scene.sandbox.work();
        let ask = || scene.sandbox.git(&work, &["ls-remote", &url]);
        ask()?.expect_ok("asking")?;
        revoke(&scene, scene.provider.client_id(), &password(&scene.sandbox, &url)?)?;
        // The dead key is refused by nginx, and the new one cannot be had: the provider refuses to refresh.
        let (first, second) = (ask()?, ask()?);
        ensure!(!first.ok() && !second.ok(), "a dead session serves");
        let words = first.stderr() + &second.stderr();
        ensure!(words.matches("run `valetkey login ").count() == 2, "{words}");
        ensure!(scene.provider.count("refused", "refresh_token") >= 1, "{:?}", scene.provider.said());
        let page = scene.provider.device_page();
        let ran = scene.person()?.sign_in_by_code(&scene.sandbox, &page, &["contoso"])?;
        ran.expect_ok("signing in again")?;
        ask()?.expect_ok("asking again")?;
        scene.versions()
    })
}

#[test]
fn git_works_with_the_providers_own_token() -> Result<()> {
    play(GIT, "Entra token", || {
        let scene = restricted()?;
        let url = scene.nginx()?.new_repository("contoso/widgets/_git/widgets")?;
        scene.sandbox.valetkey(&["setup", "git", "--host", &scene.nginx()?.dev()])?.expect_ok("setup git")?;
        let work = scene.sandbox.work();
        scene.sandbox.git(&work, &["clone", "--quiet", &url, "tree"])?.expect_ok("clone")?;
        let tree = work.join("tree");
        for args in [
            &["commit", "--quiet", "--allow-empty", "--message", "Say hello"][..],
            &["push", "--quiet", "origin", "HEAD:main"],
        ] {
            scene.sandbox.git(&tree, args)?.expect_ok(&args.join(" "))?;
        }
        only_the_provider_gave(&scene)?;
        let token = password(&scene.sandbox, &url)?;
        let person = curl(&scene, &scene.provider.endpoint("userinfo"), &bearer(&token))?;
        ensure!(person.stdout == b"200", "the provider does not know its token");
        ensure!(scene.provider.granted_to(others::LENDER) >= 1, "{:?}", scene.provider.said());
        revoke(&scene, others::LENDER, &token)?;
        ensure!(scene.provider.said().iter().any(|line| line["event"] == "revoked"), "it was not its own");
        ensure!(status_for(&scene, &url, &token)? == "401", "a revoked token serves");
        scene.versions()
    })
}
