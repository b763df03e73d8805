//! docs/pat-lifecycle.md says what a person reads when something is wrong: this makes it happen, and compares.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, Rig};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pat-lifecycle.md");
const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";
/// Rigs that work side by side.
const WORKERS: usize = 3;

/// One situation: how it is called, what the service says, and how it comes about.
struct Row {
    situation: &'static str,
    says: String,
    comes_about: ComesAbout,
}

type ComesAbout = Box<dyn Fn(&Rig) -> Result<()>>;

fn row(
    situation: &'static str,
    says: impl Into<String>,
    comes_about: impl Fn(&Rig) -> Result<()> + 'static,
) -> Row {
    Row { situation, says: says.into(), comes_about: Box::new(comes_about) }
}

/// Every request that makes a token goes wrong in this way.
fn post(situation: &'static str, says: &str, action: Action) -> Row {
    row(situation, says, move |rig| {
        let fault = Fault::new(action.clone()).host(Host::Vssps).method("POST").path("tokens/pats").always();
        rig.control().fault(fault);
        Ok(())
    })
}

/// A 200 without a token (Microsoft: PAT Lifecycle Management API, `patTokenError`).
fn refused(situation: &'static str, name: &'static str) -> Row {
    let action = Action::PatError { name: name.to_owned() };
    post(situation, &format!("200, `patTokenError` `{name}`"), action)
}

/// Microsoft Entra refuses the refresh token.
fn entra(situation: &'static str, name: &'static str, says: &str) -> Row {
    row(situation, says, move |rig| {
        let fault = Fault::new(Action::entra(name)).host(Host::Login).grant("refresh_token").always();
        rig.control().fault(fault);
        Ok(())
    })
}

fn rows() -> Vec<Row> {
    let mut rows = vec![row("all is well", "200, a token", |_| Ok(()))];
    rows.extend(policies());
    rows.extend(answers());
    rows.extend(sign_ins());
    rows
}

fn policies() -> Vec<Row> {
    vec![
        row("the tenant limits lives to 7 days", "200, an earlier `validTo`", |rig| {
            rig.control().set_policy("contoso", json!({"max-lifespan-days": 7}))
        }),
        row("creation is restricted", "200, `disablePatCreationPolicyViolation`", |rig| {
            rig.control().set_policy("contoso", json!({"restrict-creation": "all"}))
        }),
        row("only packaging scopes are allowed", "200, `disablePatCreationPolicyViolation`", |rig| {
            rig.control().set_policy("contoso", json!({"restrict-creation": "all-but-packaging"}))
        }),
        refused("a life that is too long is refused", "patLifespanPolicyViolation"),
        refused("full scope is forbidden", "fullScopePatPolicyViolation"),
        refused("tokens for all organisations are forbidden", "globalPatPolicyViolation"),
        refused("tokens for all organisations have ended", "globalPATCreationBlocked"),
        refused("the account may not manage tokens", "accessDenied"),
        refused("the scope is not known", "invalidScope"),
        refused("the end is not taken", "invalidValidTo"),
        refused("the name is not taken", "invalidDisplayName"),
        refused("the account is no person", "invalidUserType"),
        refused("the tenant's policy cannot be read", "failedToReadTenantPolicy"),
        refused("the organisation's policy cannot be read", "failedToReadOrgPolicy"),
        refused("the token could not be issued", "failedToIssueAccessToken"),
        refused("an error of a later version", "tokensAreHistory"),
    ]
}

fn answers() -> Vec<Row> {
    let throttled = "429, `TF400733`, `Retry-After: 120`";
    vec![
        post("too much was asked", throttled, Action::throttle(120)),
        post("the service has a fault", "503", Action::status(503)),
        post("a gateway ran out of time", "504", Action::status(504)),
        post("access is denied", "403, a page", Action::status(403)),
        post("a sign-in page in place of an answer", "203, HTML", Action::SignInPage),
        post("another page in place of an answer", "200, HTML", Action::Html),
        post(
            "a redirect",
            "302 to another host",
            Action::Redirect { to: "https://evil.example/".to_owned() },
        ),
        post("half an answer", "200, cut off", Action::Truncated),
        post("an answer of 10 MB", "200, 10 MB", Action::BigBody { bytes: 10 << 20 }),
        post("no answer, nothing done", "the connection ends", Action::Reset),
        post(
            "no answer, token made",
            "the connection ends after the token was made",
            Action::ResetAfterCommit,
        ),
        post(
            "a success without a token's value",
            "200, `token: null`",
            Action::Merge { patch: json!({"patToken": {"token": null}}) },
        ),
        post("an answer after a byte order mark", "200, a token", Action::Bom),
        row("the account is no member, or never opened the organisation", "401, `TF401444`", |rig| {
            rig.control().remove_member("contoso", "alice")
        }),
    ]
}

fn sign_ins() -> Vec<Row> {
    vec![
        entra(
            "the sign-in was revoked, or the password changed",
            "bad_token",
            "`invalid_grant`, `bad_token`, AADSTS50173",
        ),
        entra("not used for 90 days", "idle", "`invalid_grant`, `bad_token`, AADSTS700082"),
        entra(
            "the sign-in frequency is over",
            "token_expired",
            "`invalid_grant`, `token_expired`, AADSTS70043",
        ),
        entra(
            "another step is wanted",
            "basic_action",
            "`interaction_required`, `basic_action`, AADSTS50076",
        ),
        entra(
            "the device is not managed",
            "additional_action",
            "`interaction_required`, `additional_action`, AADSTS53000",
        ),
        entra(
            "blocked by Conditional Access",
            "message_only",
            "`invalid_grant`, `message_only`, AADSTS53003",
        ),
        entra("the user is disabled", "user_disabled", "`invalid_grant`, AADSTS50057"),
        entra("consent is missing", "consent_required", "`invalid_grant`, `consent_required`, AADSTS65001"),
        entra(
            "the password has expired",
            "user_password_expired",
            "`invalid_grant`, `user_password_expired`, AADSTS50055",
        ),
        entra("the user is not in the tenant", "not_in_tenant", "`invalid_grant`, `bad_token`, AADSTS50034"),
        entra("the guest is not in the tenant", "guest_missing", "`invalid_request`, AADSTS50020"),
        entra(
            "a broker of Microsoft's is wanted",
            "client_mismatch",
            "`invalid_grant`, `client_mismatch`, AADSTS70000",
        ),
        entra("the application is no public client", "not_public", "`invalid_client`, AADSTS7000218"),
    ]
}

#[test]
fn the_page_says_what_a_person_reads() -> Result<()> {
    let mut table = String::from(
        "| situation | the service says | Valetkey does | the person reads |\n|---|---|---|---|\n",
    );
    let count = rows().len();
    let next = AtomicUsize::new(0);
    let mut said: Vec<(usize, String)> = thread::scope(|scope| {
        // What makes a situation cannot be shared between threads, so every worker has rows of its own.
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| work(&next, &rows()))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker ended")).collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    said.sort();
    ensure!(said.len() == count, "{} of {count} rows were looked at", said.len());
    table.extend(said.into_iter().map(|(_, line)| line));
    let text = fs::read_to_string(Path::new(PAGE)).context("there is no docs/pat-lifecycle.md")?;
    let (_, rest) = text.split_once(BEGIN).context("the page marks where the table begins")?;
    let (written, _) = rest.split_once(END).context("the page marks where the table ends")?;
    ensure!(written.trim() == table.trim(), "put this between the marks of docs/pat-lifecycle.md:\n{table}");
    Ok(())
}

fn work(next: &AtomicUsize, rows: &[Row]) -> Result<Vec<(usize, String)>> {
    let rig = Rig::signed_in_keeping_secrets()?;
    let mut said = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(row) = rows.get(at) else { return Ok(said) };
        said.push((at, look(&rig, row).with_context(|| row.situation)?));
    }
}

/// Lets it happen to `valetkey pat create`, with an agent that remembers nothing of the row before.
fn look(rig: &Rig, row: &Row) -> Result<String> {
    let control = rig.control();
    rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
    (row.comes_about)(rig)?;
    let count = |host, method, path| control.requests_to(host, method, path).len();
    let before = (rig.mints(), count(Host::Login, "POST", "oauth2/v2.0/token"));
    let create = ["pat", "create", "ci", "--scope", "vso.build", "--expires", "30d", "--print"];
    let ran = rig.sandbox.valetkey(&create)?;
    let posts = rig.mints() - before.0;
    let refreshes = count(Host::Login, "POST", "oauth2/v2.0/token") - before.1;
    let made = control.live_pats();
    ensure!(ran.ok() != ran.stdout().is_empty(), "a value without a success, or the other way round");
    let becomes = match (ran.ok(), made.len()) {
        (true, 1) => "one token lives",
        (false, 0) => "none lives",
        // Its nonce is on the ledger: pat.rs and pat_crash.rs see it revoked.
        (false, 1) => "the token is on the ledger and is revoked once it is listed",
        (ok, live) => anyhow::bail!("{live} tokens live, success: {ok}"),
    };
    for pat in made {
        control.revoke_pat(&pat.authorization_id)?;
    }
    control.clear_faults();
    control.set_policy("contoso", json!({}))?;
    control.add_member("contoso", "alice")?;
    let does = format!(
        "{}, {}; {becomes}",
        times(refreshes, "refresh", "refreshes"),
        times(posts, "request", "requests")
    );
    let mut line = String::new();
    writeln!(line, "| {} | {} | {does} | {} |", row.situation, row.says, read(rig, &ran))?;
    Ok(line)
}

fn times(count: usize, one: &str, more: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    }
}

/// What stands on the terminal, as one cell; days are not the same tomorrow.
fn read(rig: &Rig, ran: &Ran) -> String {
    let urls = rig.emulator.urls();
    let mut text = ran.stderr();
    for (url, name) in [
        (&urls.login, "login.microsoftonline.com"),
        (&urls.vssps, "vssps.dev.azure.com"),
        (&urls.dev, "dev.azure.com"),
    ] {
        text = text.replace(url.trim_start_matches("https://"), name);
    }
    let is_day = |word: &str| word.len() == 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2;
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| if is_day(word.trim_end_matches(',')) { "DAY" } else { word });
        words.collect::<Vec<_>>().join(" ").replace('|', "\\|")
    });
    lines.collect::<Vec<_>>().join("<br>")
}
