//! `valetkey keys revoke`: what it counts is dead, and what lives on is told with its end.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use valetkey_tests::{Ran, Rig};

fn fetch(rig: &Rig, organisation: &str) -> Result<()> {
    let url = rig.repository(&format!("{organisation}/Payments%20Platform/_git/Card%20Auth%20(v2).Service"));
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])?.expect_ok(organisation)?;
    Ok(())
}

fn revoke(rig: &Rig, what: &[&str]) -> Result<Ran> {
    rig.sandbox.valetkey(&[&["keys", "revoke"], what].concat())?.expect_ok("keys revoke")
}

/// One of each: a key that can be revoked, and a session token.
fn rig() -> Result<Rig> {
    let rig = Rig::new()?;
    rig.set_up_git()?;
    for organisation in ["locked", "contoso"] {
        rig.sign_in(organisation)?.expect_ok(organisation)?;
        fetch(&rig, organisation)?;
    }
    Ok(rig)
}

#[test]
fn a_session_token_is_not_counted_and_its_end_is_said() -> Result<()> {
    let rig = rig()?;
    let ran = revoke(&rig, &["--all"])?;
    ensure!(ran.stdout() == "1 key revoked\n", "{}", ran.stdout());
    let said = ran.stderr();
    ensure!(
        said.starts_with("warning: the session token for `locked` cannot be revoked: it ends by itself in "),
        "{said}"
    );
    let live = rig.control().live_pats();
    let counted = live.iter().filter(|pat| pat.organisation == "contoso").count();
    ensure!(said.lines().count() == 1 && counted == 0, "{said} {live:?}");
    // It is held no more: the next question gets another one.
    ensure!(rig.sandbox.valetkey(&["keys", "list"])?.stderr().contains("no key is alive"), "it is held");
    let again = revoke(&rig, &["--all"])?;
    ensure!(again.stdout() == "no key revoked\n" && again.stderr().is_empty(), "{}", again.stderr());
    Ok(())
}

#[test]
fn one_that_is_named_by_its_id_or_organisation_is_told_of_too() -> Result<()> {
    let rig = rig()?;
    let listed = rig.sandbox.valetkey(&["keys", "list", "--json"])?.stdout();
    let keys: Vec<Value> = serde_json::from_str(&listed)?;
    let session = keys.iter().find(|key| key["issuer"] == "session").context("no session token")?;
    let ran = revoke(&rig, &[session["id"].as_str().context("no id")?])?;
    ensure!(ran.stdout() == "no key revoked\n", "{}", ran.stdout());
    ensure!(ran.stderr().contains("`locked` cannot be revoked: it ends by itself in "), "{}", ran.stderr());
    fetch(&rig, "locked")?;
    let ran = rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(ran.stdout().ends_with("1 key revoked\n"), "{}", ran.stdout());
    ensure!(ran.stderr().contains("the session token for `locked` cannot be revoked"), "{}", ran.stderr());
    Ok(())
}
