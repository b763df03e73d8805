//! Several accounts at once: which one serves which organisation, and what is read where none does.

use anyhow::{Result, ensure};
use serde_json::Value;
use valetkey_emulator::{Host, UserState};
use valetkey_tests::{Ran, Rig, sign_in_with_device_code};

const WIDGETS: &str = "widgets/_git/widgets";

/// A rig where bob is an ordinary person.
fn rig() -> Result<Rig> {
    let rig = Rig::new()?;
    rig.control().set_user_state("bob", UserState::Normal)?;
    rig.set_up_git()?;
    Ok(rig)
}

/// Signs a person in, who types the code.
fn sign_in(rig: &Rig, person: &str, more: &[&str]) -> Result<Ran> {
    let control = rig.control();
    sign_in_with_device_code(&rig.sandbox, more, |code| control.approve_device_as(code, person))
}

/// What `git ls-remote` says of an address with `user@` before the host.
fn git(rig: &Rig, user: &str, organisation: &str) -> Result<Ran> {
    let url = rig.repository(&format!("{organisation}/{WIDGETS}"));
    let url = url.replacen("https://", &format!("https://{user}"), 1);
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])
}

/// The one line that our helper said.
fn line(ran: &Ran) -> String {
    ran.stderr().lines().filter(|line| line.starts_with("valetkey: ")).collect::<Vec<_>>().join("\n")
}

/// Whose keys are alive: `owner organisation scope`, sorted.
fn alive(rig: &Rig) -> Vec<String> {
    let keys = rig.control().live_pats().into_iter();
    let mut keys: Vec<_> = keys.map(|pat| format!("{} {}", pat.owner, pat.organisation)).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// `account: organisations it is used for`, one a line.
fn used_for(rig: &Rig) -> Result<String> {
    let listed = rig.sandbox.valetkey(&["account", "list", "--json"])?.expect_ok("account list")?;
    let accounts: Vec<Value> = serde_json::from_str(&listed.stdout())?;
    let line = |account: &Value| {
        let names = account["used_for"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let name = account["username"].as_str().unwrap_or_default();
        format!("{name}: {}", names.collect::<Vec<_>>().join(", "))
    };
    let mut lines: Vec<_> = accounts.iter().map(line).collect();
    lines.sort();
    Ok(lines.join("\n"))
}

#[test]
fn each_organisation_is_served_by_the_account_that_was_signed_in_for_it() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["fabrikam"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    for organisation in ["fabrikam", "contoso", "fabrikam"] {
        git(&rig, "", organisation)?.expect_ok(organisation)?;
    }
    ensure!(alive(&rig) == ["alice fabrikam", "bob contoso"], "{:?}", alive(&rig));
    insta::assert_snapshot!(used_for(&rig)?, @"
    alice@contoso.example: fabrikam
    bob@contoso.example: contoso
    ");
    ensure!(rig.control().violations().is_empty(), "{:?}", rig.control().violations());
    Ok(())
}

#[test]
fn an_organisation_leads_to_its_tenant_and_that_to_the_account_and_nobody_is_asked() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    // Only alice is a guest in fabrikam's tenant, and bob signed in last.
    let ran = rig.sandbox.valetkey(&["login", "fabrikam"])?.expect_ok("login fabrikam")?;
    ensure!(ran.stdout().starts_with("still signed in as alice@contoso.example"), "{}", ran.stdout());
    git(&rig, "", "fabrikam")?.expect_ok("fabrikam")?;
    git(&rig, "", "contoso")?.expect_ok("contoso")?;
    ensure!(alive(&rig) == ["alice fabrikam", "bob contoso"], "{:?}", alive(&rig));
    // One of the same tenant, and not of the account's home.
    rig.sandbox.valetkey(&["login", "strict"])?.expect_ok("login strict")?;
    insta::assert_snapshot!(used_for(&rig)?, @"
    alice@contoso.example: fabrikam
    bob@contoso.example: contoso, strict
    ");
    ensure!(rig.control().requests_to(Host::Login, "POST", "devicecode").len() == 2, "somebody was asked");
    Ok(())
}

#[test]
fn of_two_accounts_for_one_organisation_the_chosen_one_serves_it() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--account", "bob@contoso.example"])?.expect_ok("bob")?;
    git(&rig, "", "contoso")?.expect_ok("the last one")?;
    ensure!(alive(&rig) == ["bob contoso"], "{:?}", alive(&rig));

    let chosen = rig.sandbox.valetkey(&["account", "use", "contoso", "Alice@contoso.example"])?;
    insta::assert_snapshot!(chosen.expect_ok("account use")?.stdout(), @"keys for contoso are of alice@contoso.example from now on");
    git(&rig, "", "contoso")?.expect_ok("the chosen one")?;
    ensure!(alive(&rig) == ["alice contoso", "bob contoso"], "{:?}", alive(&rig));
    // A sign-in for another organisation does not undo the choice.
    sign_in(&rig, "bob", &["strict", "--fresh"])?.expect_ok("bob again")?;
    insta::assert_snapshot!(used_for(&rig)?, @"
    alice@contoso.example: contoso
    bob@contoso.example: strict
    ");

    let removed = rig.sandbox.valetkey(&["account", "remove", "alice@contoso.example"])?;
    insta::assert_snapshot!(removed.expect_ok("account remove")?.stdout(), @"
    signed out: alice@contoso.example
    1 key revoked
    ");
    ensure!(alive(&rig) == ["bob contoso"], "{:?}", alive(&rig));
    let before = rig.mints();
    git(&rig, "", "contoso")?.expect_ok("the one that is left")?;
    ensure!(rig.mints() == before, "the key of the account that stayed was touched");
    insta::assert_snapshot!(used_for(&rig)?, @"bob@contoso.example: contoso, strict");
    Ok(())
}

#[test]
fn the_choice_outlives_the_agent() -> Result<()> {
    let rig = Rig::signed_in_keeping_secrets()?;
    rig.control().set_user_state("bob", UserState::Normal)?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    rig.sandbox.valetkey(&["account", "use", "contoso", "alice@contoso.example"])?.expect_ok("use")?;
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    git(&rig, "", "contoso")?.expect_ok("after the restart")?;
    ensure!(alive(&rig) == ["alice contoso"], "{:?}", alive(&rig));
    Ok(())
}

#[test]
fn an_address_may_name_the_account() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    git(&rig, "alice%40contoso.example@", "contoso")?.expect_ok("by name")?;
    ensure!(alive(&rig) == ["alice contoso"], "{:?}", alive(&rig));
    // Azure's own clone button puts the organisation there: no name of anybody.
    git(&rig, "contoso@", "contoso")?.expect_ok("by organisation")?;
    ensure!(alive(&rig) == ["alice contoso", "bob contoso"], "{:?}", alive(&rig));
    // Half a user's name is one, where it fits one account.
    let uses = |person: &str| -> u64 {
        let keys = rig.control().live_pats().into_iter().filter(|pat| pat.owner == person);
        keys.map(|pat| pat.uses).sum()
    };
    let before = (uses("alice"), uses("bob"));
    git(&rig, "alice@", "contoso")?.expect_ok("by half a name")?;
    ensure!(uses("alice") > before.0 && uses("bob") == before.1, "half a name was not taken");
    git(&rig, "nobody@", "contoso")?.expect_ok("by no name")?;
    ensure!(uses("bob") > before.1, "a name of nobody's was taken for one");
    let named = "credential.username=alice@contoso.example";
    let url = rig.repository(&format!("contoso/{WIDGETS}"));
    let before = rig.mints();
    rig.sandbox.git(&rig.sandbox.work(), &["-c", named, "ls-remote", &url])?.expect_ok("by configuration")?;
    ensure!(rig.mints() == before, "another account was used");
    Ok(())
}

#[test]
fn a_wrong_account_is_named_with_what_to_run() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    insta::assert_snapshot!(line(&git(&rig, "", "fabrikam")?), @"valetkey: you are signed in as `alice@contoso.example`, but not for organisation `fabrikam`; run `valetkey login fabrikam`");
    insta::assert_snapshot!(line(&git(&rig, "bob%40contoso.example@", "contoso")?), @"valetkey: `bob@contoso.example` is not signed in: you are signed in as `alice@contoso.example`; run `valetkey login contoso --account bob@contoso.example`, or take the name out of the address");
    sign_in(&rig, "bob", &["strict", "--fresh"])?.expect_ok("bob")?;
    insta::assert_snapshot!(line(&git(&rig, "bob%40contoso.example@", "contoso")?), @"valetkey: the address names `bob@contoso.example`, and `contoso` is used here as `alice@contoso.example`; take the name out of the address, or run `valetkey login contoso --account bob@contoso.example`");
    insta::assert_snapshot!(line(&git(&rig, "bob%40contoso.example@", "locked")?), @"valetkey: you are signed in as `bob@contoso.example`, but not for organisation `locked`; run `valetkey login locked --account bob@contoso.example`");
    let ran = rig.sandbox.valetkey(&["account", "use", "contoso", "eve@contoso.example"])?;
    insta::assert_snapshot!(ran.stderr(), @"
    error: `eve@contoso.example` is not signed in: you are signed in as `bob@contoso.example` and `alice@contoso.example`
    hint: run `valetkey login contoso --account eve@contoso.example`
    ");
    let ran = rig.sandbox.valetkey(&["account", "use", "fabrikam", "bob@contoso.example"])?;
    insta::assert_snapshot!(ran.stderr(), @"
    error: `bob@contoso.example` is no member of the tenant of `fabrikam` (AADSTS50020)
    hint: to use an account that is one run `valetkey login fabrikam --fresh`
    ");
    ensure!(alive(&rig).is_empty(), "{:?}", alive(&rig));
    Ok(())
}

#[test]
fn an_organisation_that_does_not_know_the_account_says_whose_it_is() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    rig.control().remove_member("contoso", "alice")?;
    insta::assert_snapshot!(line(&git(&rig, "", "contoso")?).replace(&rig.emulator.urls().dev, "DEV"), @"valetkey: `alice@contoso.example` has never opened `contoso` (TF401444); open `DEV/contoso` once in a browser with `alice@contoso.example`, then try again; to use another account run `valetkey login contoso --fresh`");
    sign_in(&rig, "bob", &["contoso"])?.expect_ok("bob")?;
    git(&rig, "", "contoso")?.expect_ok("bob serves it")?;
    let ran = git(&rig, "alice%40contoso.example@", "contoso")?;
    insta::assert_snapshot!(line(&ran).replace(&rig.emulator.urls().dev, "DEV"), @"valetkey: `alice@contoso.example` has never opened `contoso` (TF401444); open `DEV/contoso` once in a browser with `alice@contoso.example`, then try again; to use another account run `valetkey account use contoso bob@contoso.example`");
    Ok(())
}

#[test]
fn somebody_else_than_was_asked_for_is_not_taken() -> Result<()> {
    let rig = rig()?;
    let ran = sign_in(&rig, "alice", &["contoso", "--account", "bob@contoso.example"])?;
    ensure!(!ran.ok(), "alice was taken for bob");
    let said = ran.stderr();
    let said: Vec<_> =
        said.lines().filter(|it| it.starts_with("error:") || it.starts_with("hint:")).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    error: you signed in as `alice@contoso.example`, and `bob@contoso.example` was asked for
    hint: run `valetkey login contoso --account bob@contoso.example` and choose `bob@contoso.example`
    ");
    insta::assert_snapshot!(used_for(&rig)?, @"");
    Ok(())
}

#[test]
fn an_account_that_is_blocked_does_not_stand_in_anothers_way() -> Result<()> {
    let rig = rig()?;
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    rig.control().set_user_state("bob", UserState::Blocked)?;
    rig.control().revoke_access_tokens("bob");
    let ran = rig.sandbox.valetkey(&["login", "strict"])?.expect_ok("login strict")?;
    ensure!(ran.stdout().starts_with("still signed in as alice@contoso.example"), "{}", ran.stdout());
    Ok(())
}

#[test]
fn the_list_is_a_table() -> Result<()> {
    let rig = rig()?;
    insta::assert_snapshot!(rig.sandbox.valetkey(&["account", "list"])?.stderr(), @"nobody is signed in");
    sign_in(&rig, "alice", &["contoso"])?.expect_ok("alice")?;
    sign_in(&rig, "bob", &["contoso", "--fresh"])?.expect_ok("bob")?;
    insta::assert_snapshot!(rig.sandbox.valetkey(&["account", "list"])?.stdout(), @"
    ACCOUNT                TENANT                                KEYS FOR  COULD USE  SESSION
    bob@contoso.example    7e4a47f1-0000-4000-8000-000000000001  contoso   -          ready
    alice@contoso.example  7e4a47f1-0000-4000-8000-000000000001  -         contoso    ready
    ");
    Ok(())
}
