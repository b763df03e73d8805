use insta::assert_snapshot;
use valetkey_cli::Screen;
use valetkey_paths::env;
use valetkey_protocol::{Answer, Event, Reason};

use crate::harness::Run;

fn signed_in(organisations: &[&str], silent: bool) -> Answer {
    Answer::SignedIn {
        account: "alice@contoso.com".to_owned(),
        tenant: "72f988bf-0000-0000-0000-2d7cd011db47".to_owned(),
        organisations: organisations.iter().map(|name| (*name).to_owned()).collect(),
        silent,
    }
}

fn browser() -> Event {
    Event::Browser {
        url: "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x".to_owned(),
    }
}

#[test]
fn through_the_browser() {
    let run =
        Run::new("login https://dev.azure.com/Contoso/Payments --tenant contoso.com --client-id abc --fresh");
    assert_snapshot!(run.event(browser()).answer(signed_in(&["contoso"], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","tenant":"contoso.com","client_id":"abc","flow":"browser","fresh":true}
    opened: https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso
    ----- stderr -----
    A browser has opened: sign in there. If none has, open this address:

      https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x
    "#);
}

#[test]
fn through_a_device_code() {
    let code = Event::DeviceCode {
        user_code: "F6KP4DXQ\u{1b}[2J".to_owned(),
        verification_uri: "https://microsoft.com/devicelogin".to_owned(),
        expires_in: 900,
    };
    let run = Run::new("login contoso --device-code").event(code);
    assert_snapshot!(run.answer(signed_in(&["contoso", "fabrikam"], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"device-code","fresh":false}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso, fabrikam
    ----- stderr -----
    To sign in, open this page on any device:

        https://microsoft.com/devicelogin

    and type this code:

        F6KP4DXQ�[2J

    The code is good for 15 min. Never type a code that somebody sent you.
    "#);
}

#[test]
fn a_session_that_is_still_good() {
    assert_snapshot!(Run::new("login contoso").answer(signed_in(&["contoso"], true)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stdout -----
    still signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso
    "#);
}

#[test]
fn without_an_organisation() {
    let progress = Event::Progress { sentence: "asking the identity provider".to_owned() };
    assert_snapshot!(Run::new("login").event(progress).event(Event::Unknown).answer(signed_in(&[], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","flow":"browser","fresh":false}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    ----- stderr -----
    asking the identity provider
    hint: name an organisation to get keys for it: `valetkey login <organisation>`
    "#);
}

#[test]
fn over_ssh() {
    let run = Run::new("login contoso").screen(Screen::Remote).event(browser());
    assert_snapshot!(run.answer(signed_in(&["contoso"], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso
    ----- stderr -----
    This session comes over SSH, so no browser is opened. A browser on this machine can sign in here:

      https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x

    hint: to sign in from another device, stop this and run `valetkey login contoso --device-code`
    "#);
}

#[test]
fn without_a_display() {
    let run = Run::new("login").screen(Screen::Absent).event(browser());
    assert_snapshot!(run.answer(signed_in(&["contoso"], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","flow":"browser","fresh":false}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso
    ----- stderr -----
    There is no display, so no browser is opened. A browser on this machine can sign in here:

      https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x

    hint: to sign in from another device, stop this and run `valetkey login <organisation> --device-code`
    "#);
}

#[test]
fn where_no_browser_opens() {
    let run = Run::new("login contoso").no_browser().event(browser());
    assert_snapshot!(run.answer(signed_in(&["contoso"], false)).shown(), @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47)
    keys can be made for contoso
    ----- stderr -----
    No browser could be opened. A browser on this machine can sign in here:

      https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?state=x

    hint: to sign in from another device, stop this and run `valetkey login contoso --device-code`
    "#);
}

#[test]
fn an_address_that_is_no_web_address_is_not_opened() {
    let run = Run::new("login contoso").event(Event::Browser { url: "file:///etc/passwd".to_owned() });
    assert_snapshot!(run.refuse(Reason::SignInAbandoned, "the sign-in was not finished", "").shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stderr -----
    warning: the agent named something that is not a web address; it is not opened
    error: the sign-in was not finished
    hint: run `valetkey login`
    "#);
}

#[test]
fn without_a_client_id() {
    let run = Run::new("login contoso").refuse(Reason::ClientIdMissing, "no client id is configured", "");
    assert_snapshot!(run.shown(), @r#"
    exit: 1 (Refused)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stderr -----
    error: no client id is configured
    hint: to register the application yourself, once for everybody: `valetkey setup entra` has the steps
    hint: to have it registered: `valetkey setup entra --for-admin` is the text to send to an administrator
    hint: where it is registered and not consented to, an administrator opens `https://login.microsoftonline.com/<tenant id>/adminconsent?client_id=<client id>`
    hint: then `valetkey login contoso --client-id <client id>` signs in through it
    hint: without any registration: `az login`, then `valetkey login contoso --from az` goes by the Azure CLI
    "#);
}

#[test]
fn an_agent_that_cannot_start() {
    let run =
        Run::new("login contoso").unreachable("the configuration has an unknown key `foo`", "take it out");
    assert_snapshot!(run.shown(), @r#"
    exit: 3 (NoAgent)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false}
    ----- stderr -----
    error: the configuration has an unknown key `foo`
    hint: take it out
    "#);
}

#[cfg(unix)]
#[test]
fn from_the_azure_cli() {
    let folder = tempfile::tempdir().unwrap();
    crate::harness::write_program(&folder.path().join("az"), "");
    let run = Run::new("login contoso --from az")
        .variable(env::PATH, format!("relative:/nonexistent:{}", folder.path().display()))
        .variable(env::AZURE_CONFIG_DIR, "/home/alice/az")
        .answer(signed_in(&["contoso"], false));
    let shown = run.shown().replace(&folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(shown, @r#"
    exit: 0 (Done)
    asked: OnDemand {"type":"login","organisation":"contoso","flow":"browser","fresh":false,"from":{"kind":"azure-cli","program":"FOLDER/az","config_dir":"/home/alice/az"}}
    ----- stdout -----
    signed in as alice@contoso.com (tenant 72f988bf-0000-0000-0000-2d7cd011db47), through the Azure CLI
    keys can be made for contoso
    "#);
}

#[test]
fn from_an_azure_cli_that_is_not_there() {
    assert_snapshot!(Run::new("login contoso --from az").shown(), @r"
    exit: 1 (Refused)
    ----- stderr -----
    error: the Azure CLI (`az`) is not on the PATH
    hint: install it and run `az login`, then this again
    ");
}
