//! The other direction: the shipped programs at servers that other people wrote. Each flow is a line of the table that
//! `cargo xtask fidelity` prints, with the server where the client stands elsewhere.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_tests::{
    Dotnet, Sandbox,
    fidelity::{Needs, Row, client},
    others::{self, Scene, Settings, write_feed},
    skip, write_project, write_sources,
};

/// A server as the table names it, and what has to be here for it.
#[derive(Clone, Copy)]
struct Server(&'static str, Needs);

const PROVIDER: Server = Server("oidc-provider", AT_PROVIDER);
const GIT: Server = Server("git http-backend, nginx", BEHIND_NGINX);
const FEED: Server = Server("static feed, nginx", Needs { dotnet: true, ..BEHIND_NGINX });
const AT_PROVIDER: Needs = Needs {
    programs: &["node", "chromium", "chromedriver", "curl"],
    clients: &[others::PROVIDER],
    dotnet: false,
};
const BEHIND_NGINX: Needs =
    Needs { programs: &["nginx", "fcgiwrap", "node", "chromium", "chromedriver", "curl"], ..AT_PROVIDER };

/// Below the folder of clients.
const PYTHON: &str = "python/bin/python";

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

/// Whether `valetkey status` shows that somebody is signed in.
fn status_names(scene: &Scene, somebody: bool) -> Result<()> {
    let status = scene.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("ann@contoso.example") == somebody, "{status}");
    Ok(())
}

/// A repository, somebody signed in, git set up. The tenant is the one that nginx's challenge names.
fn signed_in_with_git(scene: &Scene) -> Result<String> {
    let nginx = scene.nginx()?;
    let url = nginx.new_repository("contoso/widgets/_git/widgets")?;
    scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
    scene.sandbox.valetkey(&["setup", "git", "--host", &nginx.dev()])?.expect_ok("setting git up")?;
    Ok(url)
}

/// Revokes a token at the provider, and the session that it came from.
fn revoke(scene: &Scene, client_id: &str, token: &str) -> Result<()> {
    let form = format!("data = \"token={token}\"\ndata = \"client_id={client_id}\"\n");
    let said = curl(scene, &scene.provider.endpoint("revoke"), &form)?;
    ensure!(said.stdout.ends_with(b"200"), "{}", String::from_utf8_lossy(&said.stdout));
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

/// `dotnet restore` with the plugin, from a feed that is nothing but files and lets in whom the provider knows.
fn restore(scene: &Scene) -> Result<()> {
    let dotnet = Dotnet::find().context("no .NET SDK")?;
    let nginx = scene.nginx()?;
    let packages = [("Contoso.Text", "1.2.0"), ("Contoso.Net", "3.0.1")];
    let feed = write_feed(&nginx.feeds(), &nginx.pkgs(), "contoso/_packaging/shared", &packages)?;
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
    let refused = nginx.count("GET", "index.json", 401);
    ensure!(refused >= 1, "the feed is open to everybody: {}", nginx.log());
    Ok(())
}

#[test]
fn dotnet_restores_from_a_static_feed_behind_nginx() -> Result<()> {
    play(FEED, "restore", || {
        let scene = Scene::of_servers(Settings::default(), "")?;
        scene.person()?.sign_in(&scene.sandbox, &["contoso"])?.0.expect_ok("signing in")?;
        restore(&scene)?;
        scene.versions()
    })
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

#[test]
fn dotnet_restores_with_the_providers_own_token() -> Result<()> {
    play(FEED, "Entra token", || {
        let scene = restricted()?;
        restore(&scene)?;
        only_the_provider_gave(&scene)?;
        scene.versions()
    })
}

fn bearer(token: &str) -> String {
    format!("header = \"Authorization: Bearer {token}\"\n")
}
