//! Continuous access evaluation: an application that is asked for claims.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Result, ensure};
use valetkey_emulator::{APP_CONFIDENTIAL, Action, Fault, Host};
use valetkey_tests::{Ran, Rig};

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;

fn service_principal() -> Result<Rig> {
    let rig = Rig::new()?;
    let file = rig.sandbox.home().join("proof");
    fs::write(&file, "emulator-client-secret\n")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let file = file.display().to_string();
    let login = ["login", "contoso", "--machine", "secret", "--client-id", APP_CONFIDENTIAL];
    let mut login = login.to_vec();
    login.extend(["--proof-file", &file]);
    rig.sandbox.valetkey(&login)?.expect_ok("login")?;
    rig.set_up_git()?;
    Ok(rig)
}

fn challenge() -> Fault {
    let action = Action::InsufficientClaims { claims: CLAIMS.to_owned() };
    Fault::new(action).host(Host::Dev).path("connectionData")
}

fn list(rig: &Rig) -> Result<Ran> {
    let url = rig.repository("contoso/widgets/_git/widgets");
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])
}

fn tokens(rig: &Rig) -> usize {
    rig.control().requests_to(Host::Login, "POST", "oauth2/v2.0/token").len()
}

#[test]
fn an_application_answers_a_challenge_by_itself() -> Result<()> {
    let rig = service_principal()?;
    let before = tokens(&rig);
    rig.control().challenge_applications(CLAIMS);
    list(&rig)?.expect_ok("after a challenge")?;
    ensure!(tokens(&rig) == before + 1, "{} tokens", tokens(&rig) - before);
    Ok(())
}

#[test]
fn an_application_that_is_challenged_again_is_told_so_and_asks_no_more() -> Result<()> {
    let rig = service_principal()?;
    let before = tokens(&rig);
    rig.control().fault(challenge().always());
    for _ in 0..10 {
        let ran = list(&rig)?;
        let said = ran.stderr();
        let sentence = format!(
            "the organisation does not take the token of `{APP_CONFIDENTIAL}`, not even with the claims that it asked \
             for; ask an administrator of the organisation's tenant what was changed for this application"
        );
        ensure!(!ran.ok() && said.contains(&sentence), "{said}");
    }
    ensure!(tokens(&rig) <= before + 2, "{} tokens for 10 questions", tokens(&rig) - before);
    rig.control().clear_faults();
    Ok(())
}
