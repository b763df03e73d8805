//! What a person reads when the network is wrong: certificates, names, connections, gateways that compress.

use anyhow::{Result, ensure};
use valetkey_emulator::{Action, Certificate, Host};
use valetkey_tests::{Rig, World, sign_in_with_device_code};

use crate::faults::{git_says, last_lines, mint_fails, refresh_fails, said};

/// What `valetkey login` says while that host shows that certificate.
fn login_says(host: Host, certificate: Certificate) -> Result<String> {
    let rig = Rig::new()?;
    rig.control().certificate(host, certificate);
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    let credentials = rig.control().requests().iter().filter(|one| one.host == host).count();
    ensure!(credentials == 0, "a host that nobody can vouch for was asked");
    Ok(said(&rig, &ran))
}

#[test]
fn certificate_for_another_name() -> Result<()> {
    insta::assert_snapshot!(login_says(Host::Dev, Certificate::WrongName)?, @"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: cannot ask for `contoso`: the certificate that `DEV` shows is for another name
    hint: check `[network] proxy`, and that no gateway answers in the host's place
    ");
    Ok(())
}

#[test]
fn certificate_past_its_end() -> Result<()> {
    insta::assert_snapshot!(login_says(Host::Login, Certificate::Expired)?, @"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: the certificate of `LOGIN` has expired
    hint: check this machine's clock; if it is right, whoever runs the host has to renew the certificate
    ");
    Ok(())
}

#[test]
fn certificate_before_its_start() -> Result<()> {
    insta::assert_snapshot!(login_says(Host::Login, Certificate::NotYetValid)?, @"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: the certificate of `LOGIN` is not valid yet
    hint: check this machine's clock; if it is right, the certificate was put in place before its time
    ");
    Ok(())
}

#[test]
fn certificate_of_the_pat_api_past_its_end() -> Result<()> {
    let rig = Rig::new()?;
    rig.control().certificate(Host::Vssps, Certificate::Expired);
    let approve = |code: &str| rig.control().approve_device(code);
    let ran = sign_in_with_device_code(&rig.sandbox, &["contoso"], approve)?;
    ensure!(!ran.ok(), "signed in without the PAT API");
    let said = last_lines(&ran).replace(rig.emulator.urls().vssps.trim_start_matches("https://"), "VSSPS");
    insta::assert_snapshot!(said, @"
    error: `alice@contoso.example` is signed in, but cannot mint keys in organisation `contoso`: cannot ask for `contoso`: the certificate of `VSSPS` has expired
    hint: check this machine's clock; if it is right, whoever runs the host has to renew the certificate
    ");
    ensure!(rig.control().requests_to(Host::Vssps, "GET", "").is_empty(), "it was shown a token");
    Ok(())
}

#[test]
fn name_that_cannot_be_resolved() -> Result<()> {
    let mut rig = Rig::new()?;
    let world = World { login: "https://login.invalid".to_owned(), ..World::of(&rig.emulator) };
    rig.sandbox.configure(&world, "")?;
    let ran = rig.sandbox.valetkey(&["login", "contoso", "--device-code"])?;
    insta::assert_snapshot!(said(&rig, &ran), @"
    exit code: 1
    asking which tenant organisation contoso belongs to
    error: the name `login.invalid` cannot be resolved
    hint: check the network; where only a proxy leads out, set `[network] proxy`
    ");
    Ok(())
}

#[test]
fn connection_reset_at_a_mint() -> Result<()> {
    insta::assert_snapshot!(git_says(&mint_fails(Action::TcpReset)?)?, @"
    exit code: 128
    valetkey: cannot ask for `contoso`: `VSSPS` broke off the connection; try again
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn connection_reset_at_a_refresh() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::TcpReset)?)?, @"
    exit code: 128
    valetkey: `LOGIN` broke off the connection; try again
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn key_compressed_on_its_way() -> Result<()> {
    insta::assert_snapshot!(git_says(&mint_fails(Action::Gzip)?)?, @"
    exit code: 128
    valetkey: `VSSPS` does not answer for `contoso` as Azure DevOps does; try again; a gateway on the way may have changed the answer
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}

#[test]
fn tokens_compressed_on_their_way() -> Result<()> {
    insta::assert_snapshot!(git_says(&refresh_fails(Action::Gzip)?)?, @"
    exit code: 128
    valetkey: `LOGIN` does not answer as Microsoft Entra does; check `[network] proxy` and `[entra] authority`: a gateway may answer in its place
    fatal: credential helper 'HELPER' told us to quit
    ");
    Ok(())
}
