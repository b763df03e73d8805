//! Organisations that a sign-in as it is cannot serve, and what is said before anybody is asked: of personal Microsoft
//! accounts, of a sovereign cloud, and where no application is registered.

use anyhow::{Result, ensure};
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, Rig, World};

/// What a person reads, without what the emulator's addresses are this time.
fn said(rig: &Rig, ran: &Ran) -> String {
    let home = rig.sandbox.home().display().to_string();
    let dev = rig.emulator.urls().dev.trim_start_matches("https://").to_owned();
    let login = rig.emulator.urls().login.trim_start_matches("https://").to_owned();
    let text = ran.stdout() + &ran.stderr();
    let text = text.replace(&home, "HOME").replace(&dev, "DEV").replace(&login, "LOGIN");
    format!("exit code: {}\n{text}", ran.output.status.code().unwrap_or(-1))
}

/// How often the identity provider was asked for anything.
fn asked(rig: &Rig) -> usize {
    rig.control().requests().iter().filter(|one| one.host == Host::Login).count()
}

/// The organisation says that it belongs to a tenant behind this host.
fn belongs_to(rig: &Rig, host: &str) {
    let tenant = "7e4a47f1-0000-4000-8000-0000000000aa";
    let headers = vec![
        ("www-authenticate".to_owned(), format!("Bearer authorization_uri=https://{host}/{tenant}")),
        ("x-vss-resourcetenant".to_owned(), tenant.to_owned()),
    ];
    rig.control().fault(Fault::new(Action::Headers { headers }).host(Host::Dev).always());
}

#[test]
fn an_organisation_of_microsoft_accounts_is_named_before_anybody_signs_in() -> Result<()> {
    let rig = Rig::new()?;
    let ran = rig.sandbox.valetkey(&["login", "solo", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    asking which tenant organisation solo belongs to
    error: organisation `solo` is for personal Microsoft accounts, where no keys can be minted
    hint: ask the owner of `solo` to connect it to Microsoft Entra; until then only a token made by hand serves
    ");
    ensure!(asked(&rig) == 0, "the identity provider was asked");
    // A person who is signed in elsewhere reads the same.
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    let before = asked(&rig);
    let ran = rig.sandbox.valetkey(&["login", "solo"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    asking which tenant organisation solo belongs to
    error: organisation `solo` is for personal Microsoft accounts, where no keys can be minted
    hint: ask the owner of `solo` to connect it to Microsoft Entra; until then only a token made by hand serves
    ");
    ensure!(asked(&rig) == before, "the identity provider was asked");
    Ok(())
}

#[test]
fn an_organisation_of_another_cloud_is_named_with_what_to_configure() -> Result<()> {
    let mut rig = Rig::new()?;
    // The public cloud, which is what an installation has where nothing is configured.
    let login = "https://login.microsoftonline.com".to_owned();
    rig.sandbox.configure(&World { login, ..World::of(&rig.emulator) }, "")?;
    belongs_to(&rig, "login.microsoftonline.us");
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @r#"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: `contoso` is of the cloud whose people sign in at `login.microsoftonline.us`, and this agent signs in elsewhere
    hint: set `authority = "https://login.microsoftonline.us"` under `[entra]`, with an application registered in that cloud
    "#);
    rig.control().clear_faults();
    belongs_to(&rig, "login.chinacloudapi.cn");
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @r#"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: `contoso` is of the cloud whose people sign in at `login.partner.microsoftonline.cn`, and this agent signs in elsewhere
    hint: set `authority = "https://login.partner.microsoftonline.cn"` under `[entra]`, with an application registered in that cloud
    "#);
    rig.control().clear_faults();
    // And the other way round.
    let login = "https://login.microsoftonline.us".to_owned();
    rig.sandbox.configure(&World { login, ..World::of(&rig.emulator) }, "")?;
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("agent restart")?;
    belongs_to(&rig, "login.windows.net");
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @r#"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: `contoso` is of the cloud whose people sign in at `login.microsoftonline.com`, and this agent signs in elsewhere
    hint: set `authority = "https://login.microsoftonline.com"` under `[entra]`, with an application registered in that cloud
    "#);
    ensure!(asked(&rig) == 0, "the identity provider was asked");
    Ok(())
}

#[test]
fn without_a_registration_both_ways_are_offered() -> Result<()> {
    let rig = Rig::new()?;
    let World { dev, login, .. } = World::of(&rig.emulator);
    let ca = rig.sandbox.home().join("authority.pem").display().to_string();
    rig.sandbox.write_configuration(&format!(
        "[entra]\nauthority = \"{login}\"\n[azure-devops]\ndev = \"{dev}\"\n[network]\nca-file = \"{ca}\"\n"
    ))?;
    let ran = rig.sandbox.valetkey(&["login", "contoso"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    error: no client id is configured
    hint: to register the application yourself, once for everybody: `valetkey setup entra` has the steps
    hint: to have it registered: `valetkey setup entra --for-admin` is the text to send to an administrator
    hint: where it is registered and not consented to, an administrator opens `https://login.microsoftonline.com/<tenant id>/adminconsent?client_id=<client id>`
    hint: then `valetkey login contoso --client-id <client id>` signs in through it
    hint: without any registration: `az login`, then `valetkey login contoso --from az` goes by the Azure CLI
    ");
    ensure!(asked(&rig) == 0, "the identity provider was asked");
    Ok(())
}
