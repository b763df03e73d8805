//! Keys of nuget.org: kept by the agent, and shown by the real client to nobody but the gallery.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_emulator::{Control, Host, nupkg};
use valetkey_tests::{Ran, clients::Client};

use super::{
    bench::{Bench, said},
    terminal::limited,
};

const DAY: i64 = 86_400;

/// `valetkey nuget keys add`, with the key on standard input.
fn add<C: Client>(bench: &Bench<C>, name: &str, secret: &str, more: &[&str]) -> Result<Ran> {
    let mut command = bench.rig.sandbox.command("valetkey");
    command.args(["nuget", "keys", "add", name, "--owner", "contoso"]).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn()?;
    writeln!(child.stdin.take().context("no standard input")?, "{secret}")?;
    Ok(Ran { output: child.wait_with_output()?, took: started.elapsed() })
}

fn made(control: &Control, globs: &[&str], scopes: &[&str]) -> Result<String> {
    control.nuget_key("contoso", globs, scopes, 90 * DAY)
}

fn package<C: Client>(bench: &Bench<C>, id: &str, version: &str) -> Result<PathBuf> {
    let file = bench.rig.sandbox.work().join(format!("{id}.{version}.nupkg"));
    fs::write(&file, nupkg(id, version, &[]))?;
    Ok(file)
}

/// `valetkey nuget push` by way of the client, to the emulator's gallery.
fn push<C: Client>(bench: &Bench<C>, file: &Path, more: &[&str]) -> Result<Ran> {
    let mut command = bench.client.push_to_gallery(&bench.rig.sandbox);
    let source = format!("{}/v3/index.json", bench.rig.emulator.urls().nuget);
    command.args(["--source", &source]).args(more).arg(file);
    bench.run(limited(&command))
}

fn pushes<C: Client>(bench: &Bench<C>) -> usize {
    bench.rig.control().requests_to(Host::Nuget, "PUT", "/api/v2/package").len()
}

/// Who pushed a version that is on nuget.org.
fn pushed_by<C: Client>(bench: &Bench<C>, id: &str, version: &str) -> Option<String> {
    let all = bench.rig.control().packages();
    let found = all.into_iter().find(|it| it.source == "nuget.org" && it.id == id && it.version == version);
    found?.pushed_by
}

pub(super) fn narrowest_key<C: Client>(bench: &Bench<C>) -> Result<()> {
    let control = bench.rig.control();
    let wide = made(control, &["*"], &["package:push", "package:pushversion", "package:unlist"])?;
    let narrow = made(control, &["Contoso.Public"], &["package:pushversion"])?;
    let unlist = made(control, &["Contoso.*"], &["package:unlist"])?;
    let allow =
        |rights: &[&'static str]| rights.iter().flat_map(|right| ["--allow", right]).collect::<Vec<_>>();
    let with = |glob: &'static str, rights: &[&'static str]| {
        [vec!["--glob", glob, "--expires", "80d"], allow(rights)].concat()
    };
    add(bench, "wide", &wide, &with("*", &["push", "unlist"]))?.expect_ok("keys add wide")?;
    add(bench, "narrow", &narrow, &with("Contoso.Public", &["push-version"]))?
        .expect_ok("keys add narrow")?;
    add(bench, "unlister", &unlist, &with("Contoso.*", &["unlist"]))?.expect_ok("keys add unlister")?;

    let ran = push(bench, &package(bench, "Contoso.Public", "2.0.0")?, &[])?.expect_ok("push")?;
    ensure!(said(&ran).contains("pushed with the key `narrow`"), "{}", said(&ran));
    ensure!(pushed_by(bench, "Contoso.Public", "2.0.0").as_deref() == Some("key 2"), "{}", said(&ran));

    let new = package(bench, "Contoso.Fresh", "1.0.0")?;
    let ran = push(bench, &new, &["--new"])?.expect_ok("push of a new package")?;
    ensure!(said(&ran).contains("pushed with the key `wide`"), "{}", said(&ran));
    ensure!(pushed_by(bench, "Contoso.Fresh", "1.0.0").as_deref() == Some("key 1"), "{}", said(&ran));

    let ran =
        bench.rig.sandbox.valetkey(&["nuget", "unlist", "Contoso.Public", "2.0.0"])?.expect_ok("unlist")?;
    ensure!(said(&ran).contains("unlisted with the key `unlister`"), "{}", said(&ran));
    let all = control.packages();
    let listed = all.iter().find(|it| it.source == "nuget.org" && it.version == "2.0.0").map(|it| it.listed);
    ensure!(listed == Some(false), "it is not unlisted");
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    Ok(())
}

/// Nobody but nuget.org knows that a package is new, and it says no more than 403.
pub(super) fn new_package_of_a_narrow_key<C: Client>(bench: &Bench<C>) -> Result<()> {
    let control = bench.rig.control();
    let wide = made(control, &["*"], &["package:push", "package:pushversion"])?;
    let narrow = made(control, &["Contoso.*"], &["package:pushversion"])?;
    let with = |glob, right| ["--glob", glob, "--expires", "80d", "--allow", right];
    add(bench, "wide", &wide, &with("*", "push"))?.expect_ok("keys add wide")?;
    add(bench, "narrow", &narrow, &with("Contoso.*", "push-version"))?.expect_ok("keys add narrow")?;

    let ran = push(bench, &package(bench, "Contoso.Fresh", "1.0.0")?, &[])?.expect_ok("push")?;
    let all = said(&ran);
    ensure!(all.contains("pushed with the key `wide`"), "{all}");
    ensure!(all.contains("the key `narrow` may push new versions only and was refused"), "{all}");
    ensure!(pushed_by(bench, "Contoso.Fresh", "1.0.0").as_deref() == Some("key 1"), "{all}");
    ensure!(pushes(bench) == 2, "{} pushes\n{all}", pushes(bench));

    // The same version again is no matter of keys: it is not tried again with a wider one.
    let ran = push(bench, &package(bench, "Contoso.Fresh", "1.0.0")?, &[])?;
    let all = said(&ran);
    ensure!(!ran.ok() && all.contains("409") && all.contains("it was tried with the key `narrow`"), "{all}");
    ensure!(pushes(bench) == 3, "{} pushes\n{all}", pushes(bench));
    ensure!(!all.contains(&narrow) && !all.contains(&wide), "a key is on the screen");
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    Ok(())
}

#[test]
fn a_package_that_no_key_covers_is_not_sent() -> Result<()> {
    let Some(bench) = Bench::newest("nuget.org push, wrong glob")? else { return Ok(()) };
    let file = package(&bench, "Contoso.Public", "2.0.0")?;
    let none = push(&bench, &file, &[])?;
    ensure!(!none.ok() && said(&none).contains("no key for nuget.org is kept here"), "{}", said(&none));
    let secret = made(bench.rig.control(), &["Contoso.Web.*"], &["package:push"])?;
    let options = ["--glob", "Contoso.Web.*", "--allow", "push", "--expires", "80d"];
    add(&bench, "web", &secret, &options)?.expect_ok("keys add")?;
    let ran = push(&bench, &file, &[])?;
    ensure!(!ran.ok() && said(&ran).contains("no key kept here covers `Contoso.Public`"), "{}", said(&ran));
    let ran = bench.rig.sandbox.valetkey(&["nuget", "unlist", "Contoso.Web.X", "1.0.0"])?;
    ensure!(
        !ran.ok() && said(&ran).contains("key `web` covers `Contoso.Web.X` but may not"),
        "{}",
        said(&ran)
    );
    ensure!(pushes(&bench) == 0, "something was sent");
    Ok(())
}

#[test]
fn an_expired_key_is_not_shown_to_anybody() -> Result<()> {
    let Some(bench) = Bench::newest("nuget.org push, expired key")? else { return Ok(()) };
    let secret = made(bench.rig.control(), &["Contoso.*"], &["package:pushversion"])?;
    let options = ["--glob", "Contoso.*", "--allow", "push-version", "--expires"];
    let late = add(&bench, "late", &secret, &[&options[..], &["2020-01-01"]].concat())?;
    ensure!(
        !late.ok() && said(&late).contains("has expired") && !said(&late).contains("keys refresh"),
        "{}",
        said(&late)
    );
    add(&bench, "ci", &secret, &[&options[..], &["80d"]].concat())?.expect_ok("keys add")?;
    // Eighty days later.
    let list = bench.rig.sandbox.home().join("state/valetkey/nuget-keys.json");
    let mut keys: Value = serde_json::from_str(&fs::read_to_string(&list)?)?;
    *keys.pointer_mut("/keys/0/expires-at").context("no end is kept")? = 1_577_836_800.into();
    fs::write(&list, keys.to_string())?;
    let ran = push(&bench, &package(&bench, "Contoso.Public", "2.0.0")?, &[])?;
    ensure!(
        !ran.ok() && said(&ran).contains("the key `ci` for `Contoso.Public` has expired"),
        "{}",
        said(&ran)
    );
    ensure!(said(&ran).contains("valetkey nuget keys refresh ci"), "{}", said(&ran));
    ensure!(pushes(&bench) == 0, "something was sent");
    Ok(())
}

#[test]
fn a_key_that_nuget_org_takes_no_more_is_named_and_never_printed() -> Result<()> {
    let Some(bench) = Bench::newest("nuget.org push, revoked key")? else { return Ok(()) };
    let secret = made(bench.rig.control(), &["Contoso.*"], &["package:pushversion"])?;
    let options = ["--glob", "Contoso.*", "--allow", "push-version", "--expires", "80d"];
    add(&bench, "ci", &secret, &options)?.expect_ok("keys add")?;
    bench.rig.control().revoke_nuget_key(&secret)?;
    let ran = push(&bench, &package(&bench, "Contoso.Public", "2.0.0")?, &[])?;
    let said = said(&ran);
    ensure!(!ran.ok() && said.contains("403") && said.contains("key `ci`"), "{said}");
    ensure!(said.contains("valetkey nuget keys verify ci"), "{said}");
    ensure!(!said.contains(&secret), "the key is on the screen");
    Ok(())
}
