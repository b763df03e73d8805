//! A person with three accounts, one of them a guest elsewhere: what each command says, right or wrong.

use anyhow::{Result, ensure};
use valetkey_emulator::UserState;
use valetkey_tests::{Ran, Rig, sign_in_with_device_code};

/// Alice, who is a guest in fabrikam's tenant, bob and carol, all signed in for contoso, carol last.
fn rig() -> Result<Rig> {
    let rig = Rig::new()?;
    let control = rig.control();
    for person in ["bob", "carol"] {
        control.set_user_state(person, UserState::Normal)?;
    }
    for person in ["alice", "bob", "carol"] {
        let approve = |code: &str| control.approve_device_as(code, person);
        sign_in_with_device_code(&rig.sandbox, &["contoso", "--fresh"], approve)?.expect_ok(person)?;
    }
    rig.set_up_git()?;
    Ok(rig)
}

fn account(rig: &Rig, line: &[&str]) -> Result<String> {
    let ran = rig.sandbox.valetkey(&[&["account"], line].concat())?;
    Ok(format!("exit code: {}\n{}{}", ran.output.status.code().unwrap_or(-1), ran.stdout(), ran.stderr()))
}

/// Whose keys an organisation gets now; else the line that is said.
fn served(rig: &Rig, organisation: &str) -> Result<String> {
    let url = rig.repository(&format!("{organisation}/widgets/_git/widgets"));
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])?;
    if ran.ok() {
        let keys = rig.control().live_pats().into_iter().filter(|pat| pat.organisation == organisation);
        let mut owners: Vec<_> = keys.map(|pat| (pat.uses, pat.owner)).collect();
        owners.sort();
        let owners: Vec<_> = owners.into_iter().map(|(_, owner)| owner).collect();
        return Ok(owners.join(", "));
    }
    Ok(line(&ran))
}

fn line(ran: &Ran) -> String {
    ran.stderr().lines().filter(|line| line.starts_with("valetkey: ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_name_is_taken_as_people_write_it_and_never_guessed() -> Result<()> {
    let rig = rig()?;
    insta::assert_snapshot!(account(&rig, &["use", "contoso", "ALICE@Contoso.example"])?, @"
    exit code: 0
    keys for contoso are of alice@contoso.example from now on
    ");
    insta::assert_snapshot!(account(&rig, &["use", "contoso", "bob"])?, @"
    exit code: 0
    keys for contoso are of bob@contoso.example from now on
    ");
    insta::assert_snapshot!(account(&rig, &["use", "contoso", "al"])?, @"
    exit code: 1
    error: `al` is not signed in: you are signed in as `carol@contoso.example`, `bob@contoso.example` and `alice@contoso.example`
    hint: run `valetkey login contoso --account al`
    ");
    insta::assert_snapshot!(account(&rig, &["use", "https://dev.azure.com/contoso/widgets", "alice@contoso.example"])?, @"
    exit code: 0
    keys for contoso are of alice@contoso.example from now on
    ");
    insta::assert_snapshot!(account(&rig, &["use", "nowhere", "alice@contoso.example"])?, @"
    exit code: 1
    error: Azure DevOps has no organisation `nowhere`, or does not show it to `alice@contoso.example`
    hint: check the name of the organisation in the address of the repository
    ");
    insta::assert_snapshot!(account(&rig, &["use", "contoso", ""])?, @"
    exit code: 2
    error: a value is required for '<ACCOUNT>' but none was supplied

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(account(&rig, &["remove", "alice"])?, @"
    exit code: 0
    signed out: alice
    no key revoked
    ");
    insta::assert_snapshot!(account(&rig, &["remove", "eve@contoso.example"])?, @"
    exit code: 1
    error: `eve@contoso.example` is not signed in: you are signed in as `carol@contoso.example` and `bob@contoso.example`
    hint: see `valetkey account list`
    ");
    insta::assert_snapshot!(account(&rig, &["list"])?, @"
    exit code: 0
    ACCOUNT                TENANT                                KEYS FOR  COULD USE  SESSION
    carol@contoso.example  7e4a47f1-0000-4000-8000-000000000001  contoso   -          ready
    bob@contoso.example    7e4a47f1-0000-4000-8000-000000000001  -         contoso    ready
    ");
    Ok(())
}

#[test]
fn a_guest_serves_where_it_is_one_and_nobody_else_does() -> Result<()> {
    let rig = rig()?;
    insta::assert_snapshot!(served(&rig, "fabrikam")?, @"valetkey: you are signed in as `carol@contoso.example`, `bob@contoso.example` and `alice@contoso.example`, but not for organisation `fabrikam`; run `valetkey login fabrikam`");
    insta::assert_snapshot!(account(&rig, &["use", "fabrikam", "carol@contoso.example"])?, @"
    exit code: 1
    error: `carol@contoso.example` is no member of the tenant of `fabrikam` (AADSTS50020)
    hint: to use an account that is one run `valetkey login fabrikam --fresh`
    ");
    insta::assert_snapshot!(account(&rig, &["use", "fabrikam", "alice@contoso.example"])?, @"
    exit code: 0
    keys for fabrikam are of alice@contoso.example from now on
    ");
    insta::assert_snapshot!(served(&rig, "fabrikam")?, @"alice");
    insta::assert_snapshot!(served(&rig, "contoso")?, @"carol");
    insta::assert_snapshot!(account(&rig, &["use", "fabrikam", "bob@contoso.example"])?, @"
    exit code: 1
    error: `bob@contoso.example` is no member of the tenant of `fabrikam` (AADSTS50020)
    hint: to use an account that is one run `valetkey account use fabrikam alice@contoso.example`
    ");
    insta::assert_snapshot!(served(&rig, "fabrikam")?, @"alice");
    insta::assert_snapshot!(account(&rig, &["list"])?, @"
    exit code: 0
    ACCOUNT                TENANT                                KEYS FOR  COULD USE  SESSION
    carol@contoso.example  7e4a47f1-0000-4000-8000-000000000001  contoso   -          ready
    bob@contoso.example    7e4a47f1-0000-4000-8000-000000000001  -         contoso    ready
    alice@contoso.example  7e4a47f1-0000-4000-8000-000000000001  fabrikam  contoso    ready
    ");
    insta::assert_snapshot!(account(&rig, &["remove", "alice@contoso.example"])?, @"
    exit code: 0
    signed out: alice@contoso.example
    1 key revoked
    ");
    insta::assert_snapshot!(served(&rig, "fabrikam")?, @"valetkey: you are signed in as `carol@contoso.example` and `bob@contoso.example`, but not for organisation `fabrikam`; run `valetkey login fabrikam`");
    ensure!(rig.control().live_pats().iter().all(|pat| pat.owner != "alice"), "a key of hers is left");
    Ok(())
}

#[test]
fn the_chosen_one_is_removed_and_another_serves() -> Result<()> {
    let rig = rig()?;
    insta::assert_snapshot!(served(&rig, "contoso")?, @"carol");
    insta::assert_snapshot!(account(&rig, &["remove", "carol@contoso.example"])?, @"
    exit code: 0
    signed out: carol@contoso.example
    1 key revoked
    ");
    insta::assert_snapshot!(account(&rig, &["list"])?, @"
    exit code: 0
    ACCOUNT                TENANT                                KEYS FOR  COULD USE  SESSION
    bob@contoso.example    7e4a47f1-0000-4000-8000-000000000001  contoso   -          ready
    alice@contoso.example  7e4a47f1-0000-4000-8000-000000000001  -         contoso    ready
    ");
    insta::assert_snapshot!(served(&rig, "contoso")?, @"bob");
    insta::assert_snapshot!(account(&rig, &["use", "contoso", "carol@contoso.example"])?, @"
    exit code: 1
    error: `carol@contoso.example` is not signed in: you are signed in as `bob@contoso.example` and `alice@contoso.example`
    hint: run `valetkey login contoso --account carol@contoso.example`
    ");
    insta::assert_snapshot!(account(&rig, &["remove", "carol@contoso.example"])?, @"
    exit code: 1
    error: `carol@contoso.example` is not signed in: you are signed in as `bob@contoso.example` and `alice@contoso.example`
    hint: see `valetkey account list`
    ");
    insta::assert_snapshot!(account(&rig, &["remove", "bob@contoso.example"])?, @"
    exit code: 0
    signed out: bob@contoso.example
    1 key revoked
    ");
    insta::assert_snapshot!(served(&rig, "contoso")?, @"alice");
    insta::assert_snapshot!(account(&rig, &["remove", "alice@contoso.example"])?, @"
    exit code: 0
    signed out: alice@contoso.example
    1 key revoked
    ");
    insta::assert_snapshot!(served(&rig, "contoso")?, @"valetkey: nobody is signed in; run `valetkey login contoso`");
    Ok(())
}

#[test]
fn a_guest_who_was_put_out_is_named_and_the_others_go_on() -> Result<()> {
    let rig = rig()?;
    account(&rig, &["use", "fabrikam", "alice@contoso.example"])?;
    served(&rig, "fabrikam")?;
    rig.control().remove_member("fabrikam", "alice")?;
    for pat in rig.control().live_pats() {
        rig.control().revoke_pat(&pat.authorization_id)?;
    }
    served(&rig, "fabrikam")?;
    insta::assert_snapshot!(served(&rig, "fabrikam")?.replace(&rig.emulator.urls().dev, "DEV"), @"valetkey: `alice@contoso.example` has never opened `fabrikam` (TF401444); open `DEV/fabrikam` once in a browser with `alice@contoso.example`, then try again; to use another account run `valetkey login fabrikam --fresh`");
    served(&rig, "contoso")?;
    insta::assert_snapshot!(served(&rig, "contoso")?, @"carol");
    Ok(())
}
