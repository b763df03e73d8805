//! What only the SDK under test does.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::clients::{Client as _, Dotnet10, Person};

use super::{
    bench::{Bench, said},
    person::{asked_once, three_projects},
    terminal::{by_way_of, limited},
};

fn signs_in_with(test: &str, args: &[&str]) -> Result<()> {
    let Some(bench) = Bench::newest(test)? else { return Ok(()) };
    let top = three_projects(&bench)?;
    for name in ["one", "two", "three"] {
        fs::write(top.join(name).join("Program.cs"), "class P { static void Main() { } }\n")?;
    }
    asked_once(&bench, &bench.client.0.command(&bench.rig.sandbox, &top, args))
}

#[test]
fn the_terminal_logger_does_not_hide_the_code() -> Result<()> {
    signs_in_with("nuget sign-in, terminal logger", &["restore", "--no-cache", "--tl:on"])
}

#[test]
fn the_classic_logger_shows_the_code_in_time() -> Result<()> {
    signs_in_with("nuget sign-in, classic logger", &["restore", "--no-cache", "--tl:off"])
}

#[test]
fn a_build_that_asks_from_two_processes_asks_the_person_once() -> Result<()> {
    signs_in_with("nuget sign-in, build", &["build", "--tl:on"])
}

#[test]
fn a_key_revoked_between_two_restores_is_healed() -> Result<()> {
    let Some(bench) = Bench::newest("nuget revoked key")? else { return Ok(()) };
    bench.sign_in("contoso")?;
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    bench.run(bench.restore(&folder))?.expect_ok("first restore")?;
    let pat = bench.rig.control().live_pats().pop().context("no key")?;
    bench.rig.control().revoke_pat(&pat.authorization_id)?;
    bench.forget_packages(&folder)?;
    bench.run(bench.restore(&folder))?.expect_ok("restore after the key was revoked")?;
    bench.nothing_left()
}

#[test]
fn without_an_agent_a_host_that_is_merely_configured_is_nobodys() -> Result<()> {
    let Some(bench) = Bench::newest("nuget without an agent")? else { return Ok(()) };
    bench.rig.sandbox.valetkey(&["agent", "stop"])?.expect_ok("agent stop")?;
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    let ran = bench.run(bench.restore(&folder))?;
    let said = said(&ran);
    ensure!(!ran.ok() && said.contains("401") && !said.contains("valetkey"), "{said}");
    Ok(())
}

#[test]
fn exec_gives_keys_without_any_plugin() -> Result<()> {
    let Some(bench) = Bench::newest("nuget exec")? else { return Ok(()) };
    bench.sign_in("contoso")?;
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    let plain = |words: &[&str]| {
        let mut inner = Dotnet10::restore(&bench.client, &bench.rig.sandbox, &folder, Person::Absent);
        // Nothing that is called `nuget-plugin-*` is here.
        inner.env("PATH", "/usr/bin:/bin");
        bench.run(limited(&by_way_of(words, &inner)))
    };
    let ran = plain(&["env"])?;
    ensure!(!ran.ok() && said(&ran).contains("401"), "a plugin was found: {}", said(&ran));
    let valetkey = bench.rig.sandbox.command("valetkey").get_program().to_string_lossy().into_owned();
    plain(&[&valetkey, "exec", "--"])?.expect_ok("restore by way of `valetkey exec`")?;
    ensure!(bench.scopes() == ["vso.packaging"], "{:?}", bench.scopes());
    bench.nothing_left()
}
