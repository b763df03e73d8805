//! The real dotnet gets its keys through the plugin on PATH.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::nupkg;
use valetkey_tests::{Dotnet, Ran, Rig, skip, write_project, write_sources};

/// A rig and an SDK.
pub(crate) struct Bench {
    pub(crate) rig: Rig,
    pub(crate) dotnet: Dotnet,
}

impl Bench {
    /// Signed in for `contoso`, with the SDK; nothing, recorded as a skip, where there is no SDK.
    pub(crate) fn signed_in(test: &str) -> Result<Option<Self>> {
        let Some(bench) = Self::new(test)? else { return Ok(None) };
        bench.rig.sign_in("contoso")?.expect_ok("signing in")?;
        Ok(Some(bench))
    }

    pub(crate) fn new(test: &str) -> Result<Option<Self>> {
        let Some(dotnet) = Dotnet::find() else {
            skip(test, "no .NET SDK on PATH, and `VALETKEY_DOTNET` names none");
            return Ok(None);
        };
        Ok(Some(Self { rig: Rig::new()?, dotnet }))
    }

    pub(crate) fn feed(&self, path: &str) -> String {
        format!("{}/{path}/nuget/v3/index.json", self.rig.emulator.urls().pkgs)
    }

    /// A folder with a project that needs `packages`, and these sources.
    pub(crate) fn project(
        &self,
        name: &str,
        packages: &[(&str, &str)],
        sources: &[(&str, &str)],
    ) -> Result<PathBuf> {
        let folder = self.rig.sandbox.work().join(name);
        write_project(&folder, name, packages)?;
        write_sources(&folder, sources)?;
        Ok(folder)
    }

    fn restore(&self, folder: &Path) -> Result<Ran> {
        self.dotnet.run(&self.rig.sandbox, folder, &["restore", "--no-cache", "-v", "minimal"])
    }

    pub(crate) fn nothing_left(&self) -> Result<()> {
        self.rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        let control = self.rig.control();
        ensure!(control.live_pats().is_empty(), "left alive: {:?}", control.live_pats());
        ensure!(control.violations().is_empty(), "{:?}", control.violations());
        Ok(())
    }
}

/// A solution of the projects in these folders.
pub(crate) fn write_solution(top: &Path, names: &[impl AsRef<str>]) -> Result<()> {
    let line = |name: &str| format!("  <Project Path=\"{name}/{name}.csproj\" />");
    let lines: Vec<_> = names.iter().map(|name| line(name.as_ref())).collect();
    fs::write(top.join("all.slnx"), format!("<Solution>\n{}\n</Solution>\n", lines.join("\n")))?;
    Ok(())
}

#[test]
fn dotnet_restores_with_a_key_that_reads_and_pushes_with_one_that_writes() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget restore and push")? else { return Ok(()) };
    let shared = bench.feed("contoso/_packaging/shared");
    let folder = bench.project("app", &[("Contoso.Text", "1.2.0")], &[("shared", &shared)])?;
    bench.restore(&folder)?.expect_ok("restore")?;
    let scopes = |bench: &Bench| {
        let mut scopes: Vec<_> = bench.rig.control().live_pats().into_iter().map(|pat| pat.scope).collect();
        scopes.sort();
        scopes
    };
    ensure!(scopes(&bench) == ["vso.packaging"], "after restoring: {:?}", scopes(&bench));
    let package = folder.join("Contoso.New.1.0.0.nupkg");
    fs::write(&package, nupkg("Contoso.New", "1.0.0", &[]))?;
    let push = ["nuget", "push", "Contoso.New.1.0.0.nupkg", "--source", "shared", "--api-key", "az"];
    bench.dotnet.run(&bench.rig.sandbox, &folder, &push)?.expect_ok("push")?;
    ensure!(
        scopes(&bench) == ["vso.packaging", "vso.packaging_write"],
        "after pushing: {:?}",
        scopes(&bench)
    );
    bench.nothing_left()
}

#[test]
fn twenty_projects_over_two_organisations_start_one_mint_each() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget twenty projects")? else { return Ok(()) };
    bench.rig.sign_in("fabrikam")?.expect_ok("signing in for fabrikam")?;
    let (contoso, fabrikam) =
        (bench.feed("contoso/_packaging/shared"), bench.feed("fabrikam/_packaging/shared"));
    let sources = [("contoso", contoso.as_str()), ("fabrikam", fabrikam.as_str())];
    let top = bench.rig.sandbox.work().join("many");
    fs::create_dir_all(&top)?;
    write_sources(&top, &sources)?;
    let names: Vec<_> = (0..20).map(|number| format!("p{number}")).collect();
    for name in &names {
        write_project(&top.join(name), name, &[("Contoso.Core", "1.0.0"), ("Fabrikam.Tools", "2.0.0")])?;
    }
    write_solution(&top, &names)?;
    bench.restore(&top)?.expect_ok("restore of twenty projects")?;
    ensure!(bench.rig.mints() == 2, "{} mints for two organisations", bench.rig.mints());
    bench.nothing_left()
}

#[test]
fn without_a_session_the_build_says_what_to_run() -> Result<()> {
    let Some(bench) = Bench::new("nuget without a session")? else { return Ok(()) };
    bench.rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    let feed = bench.feed("contoso/_packaging/shared");
    let folder = bench.project("app", &[("Contoso.Core", "1.0.0")], &[("shared", &feed)])?;
    let ran = bench.restore(&folder)?;
    let said = ran.stdout() + &ran.stderr();
    ensure!(!ran.ok() && said.contains("valetkey login contoso"), "{said}");
    ensure!(bench.rig.mints() == 0, "a key was minted");
    Ok(())
}

#[test]
fn an_organisation_nobody_signed_in_for_gets_no_key() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget wrong organisation")? else { return Ok(()) };
    let feed = bench.feed("strict/_packaging/shared");
    let folder = bench.project("app", &[("Contoso.Core", "1.0.0")], &[("theirs", &feed)])?;
    let ran = bench.restore(&folder)?;
    let said = ran.stdout() + &ran.stderr();
    ensure!(!ran.ok() && said.contains("valetkey login strict"), "{said}");
    ensure!(bench.rig.mints() == 0, "a key was minted");
    Ok(())
}

#[test]
fn a_key_revoked_between_two_restores_is_healed() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget revoked key")? else { return Ok(()) };
    let feed = bench.feed("contoso/_packaging/shared");
    let folder = bench.project("app", &[("Contoso.Core", "1.0.0")], &[("shared", &feed)])?;
    bench.restore(&folder)?.expect_ok("first restore")?;
    let pat = bench.rig.control().live_pats().pop().context("no key")?;
    bench.rig.control().revoke_pat(&pat.authorization_id)?;
    fs::remove_dir_all(folder.join("obj"))?;
    fs::remove_dir_all(bench.rig.sandbox.home().join(".nuget/packages"))?;
    bench.restore(&folder)?.expect_ok("restore after the key was revoked")?;
    bench.nothing_left()
}

#[test]
fn an_agent_killed_before_the_restore_is_told_plainly() -> Result<()> {
    let Some(bench) = Bench::new("nuget without an agent")? else { return Ok(()) };
    let feed = bench.feed("contoso/_packaging/shared");
    let folder = bench.project("app", &[("Contoso.Core", "1.0.0")], &[("shared", &feed)])?;
    // The emulator's host is not built in, and no agent runs: the plugin has no business here and is silent.
    let ran = bench.restore(&folder)?;
    let said = ran.stdout() + &ran.stderr();
    ensure!(!ran.ok() && said.contains("401"), "{said}");
    ensure!(!said.contains("at NuGet."), "a stack trace: {said}");
    Ok(())
}
