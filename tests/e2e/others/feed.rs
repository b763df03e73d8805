//! NuGet at a feed of files behind nginx.

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{
    Dotnet,
    fidelity::Needs,
    others::{Scene, Settings, write_feed},
    write_project, write_sources,
};

use super::{BEHIND_NGINX, Server, only_the_provider_gave, play, restricted};

const FEED: Server = Server("static feed, nginx", Needs { dotnet: true, ..BEHIND_NGINX });

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

#[test]
fn dotnet_restores_with_the_providers_own_token() -> Result<()> {
    play(FEED, "Entra token", || {
        let scene = restricted()?;
        restore(&scene)?;
        only_the_provider_gave(&scene)?;
        scene.versions()
    })
}
