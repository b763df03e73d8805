//! What a person reads when something is wrong: one line, with the next step in it.

use anyhow::{Result, ensure};
use valetkey_emulator::{Action, Emulator, Fault, Host, Options};
use valetkey_tests::{Ran, Rig, World, programs, sign_in_with_device_code};

const WIDGETS: &str = "contoso/widgets/_git/widgets";

/// Exit code and what was said, with ports and times made equal.
pub(crate) fn said(rig: &Rig, ran: &Ran) -> String {
    let urls = rig.emulator.urls();
    let mut text = format!("exit code: {}\n", ran.output.status.code().unwrap_or(-1));
    text += &ran.stdout();
    text += &ran.stderr();
    for (url, name) in [(&urls.login, "LOGIN"), (&urls.vssps, "VSSPS"), (&urls.dev, "DEV")] {
        text = text.replace(url.trim_start_matches("https://"), name);
    }
    text = text.replace(&rig.sandbox.home().display().to_string(), "HOME");
    if let Ok(programs) = programs() {
        text = text.replace(&programs.join("git-credential-valetkey").display().to_string(), "HELPER");
    }
    text.trim_end().to_owned()
}

/// What `git ls-remote` says.
pub(crate) fn git_says(rig: &Rig) -> Result<String> {
    git_says_of(rig, WIDGETS)
}

fn git_says_of(rig: &Rig, repository: &str) -> Result<String> {
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &rig.repository(repository)])?;
    Ok(said(rig, &ran))
}

/// A rig whose next mint needs a refresh, and whose refresh goes wrong in this way.
pub(crate) fn refresh_fails(action: Action) -> Result<Rig> {
    let rig = Rig::signed_in()?;
    rig.control().revoke_access_tokens("alice");
    let mut fault = Fault::new(action).host(Host::Login).grant("refresh_token");
    fault.count = None;
    rig.control().fault(fault);
    Ok(rig)
}

/// A rig whose mints go wrong in this way.
pub(crate) fn mint_fails(action: Action) -> Result<Rig> {
    let rig = Rig::signed_in()?;
    let mut fault = Fault::new(action).host(Host::Vssps).method("POST").path("tokens/pats");
    fault.count = None;
    rig.control().fault(fault);
    Ok(rig)
}

#[test]
fn nobody_signed_in() -> Result<()> {
    let rig = Rig::new()?;
    rig.set_up_git()?;
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    insta::assert_snapshot!(git_says(&rig)?, @"
    exit code: 128
    valetkey: nobody is signed in; run `valetkey login contoso`
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn session_revoked() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::entra("bad_token"))?)?, @"
    exit code: 128
    valetkey: the session with Microsoft Entra has ended (AADSTS50173); run `valetkey login contoso --account alice@contoso.example`
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn second_factor_wanted() -> Result<()> {
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["c"]}}}"#.to_owned();
    let action = Action::Entra { name: "basic_action".to_owned(), claims: Some(claims) };
    insta::assert_snapshot!(git_says(&refresh_fails(action)?)?, @"
    exit code: 128
    valetkey: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50076); run `valetkey login contoso --account alice@contoso.example`
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn blocked_by_conditional_access() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::entra("message_only"))?)?, @"
    exit code: 128
    valetkey: a policy of the organisation blocks this sign-in (AADSTS53003: Access has been blocked by Conditional Access policies); ask an administrator of the organisation; signing in again does not help
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn device_not_compliant() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::entra("additional_action"))?)?, @"
    exit code: 128
    valetkey: the organisation lets in managed devices only (AADSTS53000: Your device is required to be compliant to access this resource); enrol this device or make it compliant, then run `valetkey login contoso --account alice@contoso.example`
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn consent_missing() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::entra("consent_required"))?)?, @"
    exit code: 128
    valetkey: the application has not been given consent (AADSTS65001); run `valetkey login contoso --account alice@contoso.example` and consent, or ask an administrator to: `valetkey setup entra` prints the text
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn identity_provider_down() -> Result<()> {
    let rig = Rig::signed_in()?;
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(WIDGETS), "tree"])?.expect_ok("clone")?;
    rig.control().revoke_access_tokens("alice");
    for host in [Host::Login, Host::Vssps] {
        let mut down = Fault::new(Action::status(503)).host(host);
        down.count = None;
        rig.control().fault(down);
    }
    let tree = work.join("tree");
    rig.sandbox.git(&tree, &["fetch"])?.expect_ok("a key that is held serves on")?;
    let push = rig.sandbox.git(&tree, &["push", "--dry-run", "origin", "HEAD"])?;
    insta::assert_snapshot!(said(&rig, &push), @"
    exit code: 128
    valetkey: Azure DevOps has a fault (503) and did not serve `contoso`; try again in a minute
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn service_down() -> Result<()> {
    insta::assert_snapshot!(git_says(&mint_fails(Action::status(503))?)?, @"
    exit code: 128
    valetkey: Azure DevOps has a fault (503) and did not serve `contoso`; try again in a minute
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn throttled() -> Result<()> {
    let rig = mint_fails(Action::throttle(120))?;
    insta::assert_snapshot!(git_says(&rig)?, @"
    exit code: 128
    valetkey: Azure DevOps asks to slow down for `contoso`; wait 120 s, then try again
    fatal: credential helper 'HELPER' told us to quit
    ");
    git_says(&rig)?;
    ensure!(rig.mints() == 1, "asked again before `Retry-After` was over");
    Ok(())
}

#[test]
fn sign_in_page_instead_of_an_answer() -> Result<()> {
    insta::assert_snapshot!(git_says(&mint_fails(Action::SignInPage)?)?, @"
    exit code: 128
    valetkey: `VSSPS` answered for `contoso` with a sign-in page; run `valetkey login contoso --account alice@contoso.example`; if it comes again, a gateway on the way wants a sign-in of its own
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn keys_are_forbidden_in_the_organisation() -> Result<()> {
    let rig = Rig::signed_in()?;
    rig.sign_in("locked")?;
    // Else a session token would serve.
    rig.control().fault(Fault::new(Action::status(403)).host(Host::Vssps).path("sessiontokens").always());
    insta::assert_snapshot!(git_says_of(&rig, "locked/widgets/_git/widgets")?, @"
    exit code: 128
    valetkey: `locked` does not allow you to create personal access tokens (`disablePatCreationPolicyViolation`); ask an administrator of `locked` to put you on the allow-list of the policy `Restrict personal access token creation`
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn answer_of_a_mint_lost() -> Result<()> {
    let rig = Rig::signed_in()?;
    rig.control()
        .fault(Fault::new(Action::ResetAfterCommit).host(Host::Vssps).method("POST").path("tokens/pats"));
    insta::assert_snapshot!(git_says(&rig)?, @"
    exit code: 128
    valetkey: cannot ask for `contoso`: `VSSPS` broke off the connection; try again
    fatal: credential helper 'HELPER' told us to quit
    ");
    rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    ensure!(rig.control().live_pats().is_empty(), "the key whose answer was lost is alive");
    Ok(())
}

#[test]
fn organisation_of_personal_accounts() -> Result<()> {
    let rig = Rig::new()?;
    let ran = rig.sandbox.valetkey(&["login", "solo", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    asking which tenant organisation solo belongs to
    error: organisation `solo` is for personal Microsoft accounts, where no keys can be minted
    hint: ask the owner of `solo` to connect it to Microsoft Entra; until then only a token made by hand serves
    ");
    Ok(())
}

#[test]
fn sign_in_declined() -> Result<()> {
    let rig = Rig::new()?;
    let deny = |code: &str| rig.control().deny_device(code);
    let ran = sign_in_with_device_code(&rig.sandbox, &["contoso"], deny)?;
    ensure!(!ran.ok(), "a refused sign-in succeeded");
    insta::assert_snapshot!(last_lines(&ran), @"
    error: the sign-in was declined (AADSTS70018)
    hint: run `valetkey login` again
    ");
    Ok(())
}

#[test]
fn authority_not_trusted() -> Result<()> {
    let mut rig = Rig::new()?;
    let other = Emulator::start(Options { seed: 2, ..Options::default() })?;
    let mut world = World::of(&rig.emulator);
    other.ca_pem().clone_into(&mut world.authority_pem);
    rig.sandbox.configure(&world, "")?;
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: cannot ask for `contoso`: the certificate of `DEV` is signed by an authority that this machine does not trust
    hint: add your organisation's authority to the system's store, or name its file in `[network] ca-file`
    ");
    Ok(())
}

#[test]
fn no_client_id() -> Result<()> {
    let rig = Rig::new()?;
    let file = rig.sandbox.home().join("config/valetkey/config.toml");
    let text = std::fs::read_to_string(&file)?;
    let without: Vec<_> = text.lines().filter(|line| !line.starts_with("client-id")).collect();
    rig.sandbox.write_configuration(&without.join("\n"))?;
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    error: no client id is configured
    hint: to register the application yourself, once for everybody: `valetkey setup entra` has the steps
    hint: to have it registered: `valetkey setup entra --for-admin` is the text to send to an administrator
    hint: where it is registered and not consented to, an administrator opens `https://login.microsoftonline.com/<tenant id>/adminconsent?client_id=<client id>`
    hint: then `valetkey login contoso --client-id <client id>` signs in through it
    hint: without any registration: `az login`, then `valetkey login contoso --from az` goes by the Azure CLI
    ");
    Ok(())
}

#[test]
fn configuration_with_a_typing_error() -> Result<()> {
    let rig = Rig::new()?;
    rig.sandbox.write_configuration("[keys]\nlifetime-hour = 4\n")?;
    let ran = rig.sandbox.valetkey(&["agent", "start"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 3
    error: `HOME/config/valetkey/config.toml` line 2: unknown key `lifetime-hour`
    hint: known here: `lifetime-hours`, `allow-write`, `mints-per-hour`
    ");
    Ok(())
}

/// The error and its hint, without what was shown before.
pub(crate) fn last_lines(ran: &Ran) -> String {
    let said = ran.stderr();
    let lines: Vec<_> =
        said.lines().filter(|line| line.starts_with("error:") || line.starts_with("hint:")).collect();
    lines.join("\n")
}
