//! Restoring and pushing, with an agent that is well.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::nupkg;
use valetkey_tests::{Ran, clients::Client};

use super::{
    bench::{Bench, said, told_once},
    terminal::{ended, has_a_stack_trace, limited},
};

/// Processes that restore side by side, where a client takes one for each project.
const AT_ONCE: usize = 5;

pub(super) fn restores<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let folder = bench.project("contoso", ("Contoso.Text", "1.2.0"))?;
    bench.run(bench.restore(&folder))?.expect_ok("restore")?;
    ensure!(bench.scopes() == ["vso.packaging"], "{:?}", bench.scopes());
    // A new process of the client, the same key.
    bench.forget_packages(&folder)?;
    bench.run(bench.restore(&folder))?.expect_ok("restore again")?;
    ensure!(bench.rig.mints() == 1, "{} mints", bench.rig.mints());
    bench.nothing_left()
}

pub(super) fn twenty_projects<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    bench.sign_in("fabrikam")?;
    let names: Vec<_> = (0..20).map(|number| format!("p{number}")).collect();
    let packages = [("Contoso.Core", "1.0.0"), ("Fabrikam.Tools", "2.0.0")];
    let top = bench.solution(&names, &packages, &["contoso", "fabrikam"])?;
    for some in bench.client.restore_all(&bench.rig.sandbox, &top, &names).chunks(AT_ONCE) {
        let start = |command: &Command| {
            limited(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("no restore")
        };
        let running: Vec<_> = some.iter().map(start).collect::<Result<_>>()?;
        for child in running {
            let ran = Ran { output: child.wait_with_output()?, took: Duration::ZERO };
            if !bench.client.died_after_its_work(&ran) {
                ran.expect_ok("restore of twenty projects")?;
            }
        }
    }
    for (name, package) in names.iter().flat_map(|name| packages.map(|package| (name, package))) {
        ensure!(bench.client.restored(&top.join(name), package), "{name} has no {}", package.0);
    }
    ensure!(bench.rig.mints() == 2, "{} mints for two organisations", bench.rig.mints());
    bench.nothing_left()
}

pub(super) fn pushes<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let folder = bench.project("contoso", ("Contoso.Text", "1.2.0"))?;
    bench.run(bench.restore(&folder))?.expect_ok("restore")?;
    let package = folder.join("Contoso.New.1.0.0.nupkg");
    fs::write(&package, nupkg("Contoso.New", "1.0.0", &[]))?;
    let push = bench.client.push(&bench.rig.sandbox, &package, "shared");
    bench.run(limited(&push))?.expect_ok("push")?;
    let there = |id: &str| bench.rig.control().packages().iter().any(|package| package.id == id);
    ensure!(there("Contoso.New"), "nothing arrived");
    ensure!(bench.scopes() == ["vso.packaging", "vso.packaging_write"], "{:?}", bench.scopes());
    ensure!(bench.rig.mints() == 2, "{} mints", bench.rig.mints());
    bench.nothing_left()
}

pub(super) fn wrong_organisation<C: Client>(bench: &Bench<C>) -> Result<()> {
    bench.sign_in("contoso")?;
    let folder = bench.project("strict", ("Contoso.Core", "1.0.0"))?;
    let ran = bench.run(bench.restore(&folder))?;
    let said = said(&ran);
    ensure!(ended(&ran) && !ran.ok(), "{said}");
    told_once(&said, "valetkey login strict")?;
    ensure!(!has_a_stack_trace(&said), "{said}");
    ensure!(bench.rig.mints() == 0, "a key was minted");
    bench.nothing_left()
}
