//! What each end of a session does: to keys that still work, to the identity provider, and to what a person reads.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Rig, sign_in_with_device_code};

/// Questions put after a session ended.
const ASKS: usize = 100;
/// More than an access token or a key lives.
const DAY: i64 = 24 * 3600;

/// A rig with keys for `contoso` and none for `strict`, in both of which alice may make some.
fn rig() -> Result<Rig> {
    let rig = Rig::signed_in()?;
    rig.sandbox.valetkey(&["login", "strict"])?.expect_ok("login strict")?;
    ensure!(asked(&rig, "contoso")?.key, "no key for contoso");
    Ok(rig)
}

/// The next refresh, and each after it, is refused in this way.
fn refuse(rig: &Rig, name: &str) {
    rig.control().revoke_access_tokens("alice");
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": ["c"]}}}).to_string();
    let claims = (name == "basic_action").then_some(claims);
    let action = Action::Entra { name: name.to_owned(), claims };
    rig.control().fault(Fault::new(action).host(Host::Login).grant("refresh_token").always());
}

/// Requests to the identity provider.
fn refreshes(rig: &Rig) -> usize {
    rig.control().requests_to(Host::Login, "POST", "oauth2/v2.0/token").len()
}

/// What git's helper answered.
struct Answered {
    key: bool,
    said: String,
}

/// Asks as git does, without the weight of git.
fn asked(rig: &Rig, organisation: &str) -> Result<Answered> {
    let host = rig.emulator.urls().dev.trim_start_matches("https://").to_owned();
    let mut helper = rig.sandbox.command("git-credential-valetkey");
    helper.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut helper = helper.spawn()?;
    let question = format!("protocol=https\nhost={host}\npath={organisation}/widgets/_git/widgets\n\n");
    helper.stdin.take().context("no standard input")?.write_all(question.as_bytes())?;
    let Output { stdout, stderr, .. } = helper.wait_with_output()?;
    let key = String::from_utf8(stdout)?.contains("password=");
    Ok(Answered { key, said: String::from_utf8(stderr)?.trim_end().to_owned() })
}

/// The command between backquotes that signs in, as a person would type it.
fn command(said: &str) -> Option<Vec<String>> {
    let login = said.split('`').find(|part| part.starts_with("valetkey login"))?;
    Some(login.split(' ').skip(2).map(str::to_owned).collect())
}

/// The life of an answer that changes from run to run.
fn timeless(said: &str) -> String {
    let mut words: Vec<&str> = said.split(' ').collect();
    if let Some(at) = words.windows(2).position(|pair| pair == ["works", "for"]) {
        words.splice(at + 2..at + 6, ["TIME"]);
    }
    words.join(" ")
}

/// What is read where no key can be made, and where one still works; after it `valetkey login` as it was advised.
fn ends(name: &str) -> Result<String> {
    let rig = rig()?;
    refuse(&rig, name);
    let before = refreshes(&rig);
    let mut read = Vec::new();
    for _ in 0..ASKS {
        let answer = asked(&rig, "strict")?;
        ensure!(!answer.key, "a key without a session");
        if !read.contains(&answer.said) {
            read.push(answer.said);
        }
    }
    let probes = refreshes(&rig) - before;
    // The token before the newest is tried once, in case the newest was never stored.
    ensure!(probes <= 2, "{probes} requests for {ASKS} questions");
    ensure!(read.len() == 1, "it is told in {} ways: {read:#?}", read.len());
    let mut told = Vec::new();
    for _ in 0..ASKS {
        let answer = asked(&rig, "contoso")?;
        ensure!(answer.key, "a key that works is not given any more: {}", answer.said);
        told.extend((!answer.said.is_empty()).then_some(answer.said));
    }
    ensure!(told.len() == 1, "beside keys that work it is told {} times: {told:#?}", told.len());
    ensure!(refreshes(&rig) == before + probes, "keys that work cost requests");
    let status = rig.sandbox.valetkey(&["status", "--json"])?;
    let status: Value = serde_json::from_str(&status.stdout())?;
    ensure!(status["accounts"][0]["session"] == "ended", "{status}");
    if let Some(arguments) = command(&read[0]) {
        rig.control().clear_faults();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let control = rig.control();
        sign_in_with_device_code(&rig.sandbox, &arguments, |code| control.approve_device(code))?
            .expect_ok("the command that was advised")?;
        ensure!(asked(&rig, "strict")?.key, "no key after the command that was advised");
    }
    Ok(format!("{}\n{}", read[0], timeless(&told[0])))
}

#[test]
fn not_used_for_ninety_days() -> Result<()> {
    insta::assert_snapshot!(ends("idle")?, @"
    valetkey: the session with Microsoft Entra has ended (AADSTS700082); run `valetkey login strict --account alice@contoso.example`
    valetkey: the session with Microsoft Entra has ended (AADSTS700082); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example`
    ");
    Ok(())
}

#[test]
fn the_password_was_changed_or_the_session_revoked() -> Result<()> {
    insta::assert_snapshot!(ends("bad_token")?, @"
    valetkey: the session with Microsoft Entra has ended (AADSTS50173); run `valetkey login strict --account alice@contoso.example`
    valetkey: the session with Microsoft Entra has ended (AADSTS50173); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example`
    ");
    Ok(())
}

#[test]
fn the_sign_in_is_too_old() -> Result<()> {
    insta::assert_snapshot!(ends("token_expired")?, @"
    valetkey: the organisation asks for a fresh sign-in (AADSTS70043); run `valetkey login strict --account alice@contoso.example`
    valetkey: the organisation asks for a fresh sign-in (AADSTS70043); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example`
    ");
    Ok(())
}

#[test]
fn a_second_factor_is_wanted() -> Result<()> {
    insta::assert_snapshot!(ends("basic_action")?, @"
    valetkey: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50076); run `valetkey login strict --account alice@contoso.example`
    valetkey: Microsoft Entra asks for another step by you, such as a second factor (AADSTS50076); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example`
    ");
    Ok(())
}

#[test]
fn the_device_does_not_comply() -> Result<()> {
    insta::assert_snapshot!(ends("additional_action")?, @"
    valetkey: the organisation lets in managed devices only (AADSTS53000: Your device is required to be compliant to access this resource); enrol this device or make it compliant, then run `valetkey login strict --account alice@contoso.example`
    valetkey: the organisation lets in managed devices only (AADSTS53000: Your device is required to be compliant to access this resource); this key works for TIME more; enrol this device or make it compliant, then run `valetkey login contoso --account alice@contoso.example`
    ");
    Ok(())
}

#[test]
fn conditional_access_blocks() -> Result<()> {
    insta::assert_snapshot!(ends("message_only")?, @"
    valetkey: a policy of the organisation blocks this sign-in (AADSTS53003: Access has been blocked by Conditional Access policies); ask an administrator of the organisation; signing in again does not help
    valetkey: a policy of the organisation blocks this sign-in (AADSTS53003: Access has been blocked by Conditional Access policies); this key works for TIME more; ask an administrator of the organisation; signing in again does not help
    ");
    Ok(())
}

#[test]
fn the_account_was_disabled() -> Result<()> {
    insta::assert_snapshot!(ends("user_disabled")?, @"
    valetkey: `alice@contoso.example` is disabled (AADSTS50057); ask an administrator of the organisation; signing in again does not help
    valetkey: `alice@contoso.example` is disabled (AADSTS50057); this key works for TIME more; ask an administrator of the organisation; signing in again does not help
    ");
    Ok(())
}

#[test]
fn the_password_has_expired() -> Result<()> {
    insta::assert_snapshot!(ends("user_password_expired")?, @"
    valetkey: the password has expired (AADSTS50055); run `valetkey login strict --account alice@contoso.example` and set a new one
    valetkey: the password has expired (AADSTS50055); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example` and set a new one
    ");
    Ok(())
}

#[test]
fn consent_was_withdrawn() -> Result<()> {
    insta::assert_snapshot!(ends("consent_required")?, @"
    valetkey: the application has not been given consent (AADSTS65001); run `valetkey login strict --account alice@contoso.example` and consent, or ask an administrator to: `valetkey setup entra` prints the text
    valetkey: the application has not been given consent (AADSTS65001); this key works for TIME more; run `valetkey login contoso --account alice@contoso.example` and consent, or ask an administrator to: `valetkey setup entra` prints the text
    ");
    Ok(())
}

#[test]
fn the_emulators_own_ends_are_the_same_as_those_that_are_played() -> Result<()> {
    let rig = rig()?;
    rig.control().revoke_sessions("alice");
    rig.control().revoke_access_tokens("alice");
    ensure!(asked(&rig, "strict")?.said.contains("(AADSTS50173)"), "revoked");
    let rig = self::rig()?;
    rig.control().advance(91 * DAY);
    ensure!(asked(&rig, "strict")?.said.contains("(AADSTS700082)"), "idle");
    Ok(())
}

#[test]
fn where_the_organisation_ends_the_keys_too_the_person_is_told_why() -> Result<()> {
    let rig = rig()?;
    let url = rig.repository("contoso/widgets/_git/widgets");
    let list = || rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url]);
    list()?.expect_ok("before")?;
    // A disabled user's keys open nothing any more.
    rig.control().remove_member("contoso", "alice")?;
    refuse(&rig, "user_disabled");
    let before = refreshes(&rig);
    let mut said = Vec::new();
    for _ in 0..10 {
        let ran = list()?;
        ensure!(!ran.ok(), "a key of a disabled user works");
        said.extend(ran.stderr().lines().filter(|it| it.starts_with("valetkey: ")).map(str::to_owned));
    }
    said.dedup();
    insta::assert_snapshot!(said.join("\n"), @"valetkey: `alice@contoso.example` is disabled (AADSTS50057); ask an administrator of the organisation; signing in again does not help");
    ensure!(refreshes(&rig) <= before + 2, "{} requests", refreshes(&rig) - before);
    Ok(())
}

#[test]
fn a_second_account_is_not_touched() -> Result<()> {
    let rig = rig()?;
    rig.control().set_user_state("bob", valetkey_emulator::UserState::Normal)?;
    let control = rig.control();
    sign_in_with_device_code(&rig.sandbox, &["strict", "--account", "bob@contoso.example"], |code| {
        control.approve_device_as(code, "bob")
    })?
    .expect_ok("bob")?;
    control.revoke_sessions("alice");
    control.revoke_access_tokens("alice");
    let key = control.live_pats().first().context("no key")?.authorization_id.clone();
    control.revoke_pat(&key)?;
    ensure!(asked(&rig, "strict")?.key, "bob's session serves on");
    Ok(())
}
