//! Letting a situation happen, and reading what a person reads.

use std::{fmt::Debug, fs, io::ErrorKind};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use valetkey_emulator::{Action, CreationRefusal, Fault, Host, TENANT_HOME};
use valetkey_tests::{Ran, Rig};

use super::{
    others::Verb,
    redirect,
    row::{Case, Row},
};

/// What a line may not hold: a document, a trace, a character that could not be shown.
const UNFIT: [&str; 6] = ["{", "}", "typeKey", "Trace ID", "Activity Id", "\u{fffd}"];
/// Characters that fit a line one still reads.
const LONGEST: usize = 330;

/// The line of the first table: what `valetkey pat create` does and says, and what git says.
pub(super) fn made(rig: &Rig, row: &Row) -> Result<String> {
    let (does, says, git) = alike(row, |case| {
        let (does, ran) = create(rig, case)?;
        let said = lines(rig, ran.stderr());
        let read = if ran.ok() { said.join("<br>") } else { fit(rig, case, &said)? };
        let git = fetch(rig, case, &said)?;
        Ok((does, shortened(row, case, &read), shortened(row, case, &git)))
    })?;
    Ok(format!("| {} | {} | {does} | {says} | {git} |\n", row.situation, row.says()))
}

/// The line of the second table: what another command says.
pub(super) fn told(rig: &Rig, verb: Verb, row: &Row) -> Result<String> {
    let says = alike(row, |case| {
        let control = rig.control();
        forget(rig)?;
        let (id, _) = control.mint("alice", "contoso", "vso.build", 3600)?;
        (case.comes_about)(rig)?;
        // Else it is asked about every five seconds whether the code was typed.
        let hurried = Action::Merge { patch: json!({"interval": 1}) };
        control.fault(Fault::new(hurried).host(Host::Login).path("oauth2/v2.0/devicecode").always());
        let ran = match verb {
            Verb::Browser(query) => redirect::signed_in(rig, &verb.line(&id), query)?,
            _ => rig.sandbox.valetkey(&verb.line(&id))?,
        };
        let mut said = lines(rig, if ran.ok() { ran.stdout() } else { ran.stderr() });
        if !ran.ok() {
            // Before it stands what was going on.
            said.drain(..said.iter().position(|line| line.starts_with("error: ")).unwrap_or_default());
        }
        ensure!(!said.is_empty(), "nothing was said");
        let read = if ran.ok() { said.join("<br>") } else { fit(rig, case, &said)? };
        tidy(rig)?;
        Ok(shortened(row, case, &read))
    })?;
    Ok(format!("| {} | {} | {} | {says} |\n", verb.name(), row.situation, row.says()))
}

/// What all cases of a row have in common, which is everything.
fn alike<T: PartialEq + Debug>(row: &Row, look: impl Fn(&Case) -> Result<T>) -> Result<T> {
    let mut common: Option<T> = None;
    for case in &row.cases {
        let found = look(case).with_context(|| case.mark.clone())?;
        if let Some(common) = &common {
            ensure!(*common == found, "{}: {found:?}, and before it {common:?}", case.mark);
        }
        common = Some(found);
    }
    common.context("a row without a case")
}

/// `valetkey pat create`, with an agent that remembers nothing of what was before.
fn create(rig: &Rig, case: &Case) -> Result<(String, Ran)> {
    let control = rig.control();
    forget(rig)?;
    (case.comes_about)(rig)?;
    let count = |host, method, path| control.requests_to(host, method, path).len();
    let before = (rig.mints(), count(Host::Login, "POST", "oauth2/v2.0/token"));
    let create = ["pat", "create", "ci", "--scope", "vso.build", "--expires", "30d", "--print"];
    let ran = rig.sandbox.valetkey(&create)?;
    let posts = rig.mints() - before.0;
    let refreshes = count(Host::Login, "POST", "oauth2/v2.0/token") - before.1;
    ensure!(ran.ok() != ran.stdout().is_empty(), "a value without a success, or the other way round");
    let becomes = match (ran.ok(), control.live_pats().len()) {
        (true, 1) => "one token lives",
        (false, 0) => "none lives",
        // Its nonce is on the ledger: pat.rs and pat_crash.rs see it revoked.
        (false, 1) => "the token is on the ledger and is revoked once it is listed",
        (ok, live) => bail!("{live} tokens live, success: {ok}"),
    };
    let (refreshes, posts) = (times(refreshes, "refresh", "refreshes"), times(posts, "request", "requests"));
    tidy(rig)?;
    Ok((format!("{refreshes}, {posts}; {becomes}"), ran))
}

/// What git says in the same situation, compared with what `valetkey pat create` said. Where a session token helps, it
/// is looked at without them, too.
fn fetch(rig: &Rig, case: &Case, said: &[String]) -> Result<String> {
    match fetched(rig, case, said, None)? {
        Fetched::Session => {
            let none = Fault::new(Action::status(403)).host(Host::Vssps).path("sessiontokens").always();
            match fetched(rig, case, said, Some(none))? {
                Fetched::Refused(line) => Ok(format!("works, with a session token; without one: {line}")),
                _ => bail!("it works without a session token, too"),
            }
        }
        Fetched::Key => Ok("works".to_owned()),
        Fetched::Refused(line) => Ok(line),
    }
}

/// How git fared.
enum Fetched {
    Key,
    Session,
    Refused(String),
}

fn fetched(rig: &Rig, case: &Case, said: &[String], besides: Option<Fault>) -> Result<Fetched> {
    let control = rig.control();
    forget(rig)?;
    (case.comes_about)(rig)?;
    if let Some(fault) = besides {
        control.fault(fault);
    }
    let sessions = || control.requests_to(Host::Vssps, "POST", "sessiontokens").len();
    let before = sessions();
    let url = rig.repository("contoso/widgets/_git/widgets");
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])?;
    let (alive, asked) = (control.live_pats().len(), sessions() - before);
    tidy(rig)?;
    let read: Vec<_> =
        lines(rig, ran.stderr()).into_iter().filter(|line| line.starts_with("valetkey: ")).collect();
    if ran.ok() {
        ensure!(read.is_empty(), "it works, and says {read:?}");
        return match (alive, asked) {
            (1, 0) => Ok(Fetched::Key),
            (1, 1) => Ok(Fetched::Session),
            _ => bail!("it works with {alive} keys alive and {asked} session tokens asked for"),
        };
    }
    let [line] = read.as_slice() else { bail!("not one line: {}", ran.stderr()) };
    ensure!(!ran.stderr().contains("Username for"), "git asks for a password: {}", ran.stderr());
    let line = line.trim_start_matches("valetkey: ");
    let (what, next) = line.split_once("; ").context("no next step")?;
    fit(rig, case, &[format!("error: {what}"), format!("hint: {next}")])?;
    let bare: Vec<_> = said.iter().filter_map(|line| line.split_once(": ").map(|(_, rest)| rest)).collect();
    let same = bare.len() >= 2 && line == format!("{}; {}", bare[0], bare[1]);
    Ok(Fetched::Refused(if same { "the same".to_owned() } else { line.to_owned() }))
}

/// The world as it was.
fn tidy(rig: &Rig) -> Result<()> {
    let control = rig.control();
    control.clear_faults();
    for pat in control.live_pats() {
        control.revoke_pat(&pat.authorization_id)?;
    }
    control.connect("contoso", TENANT_HOME)?;
    control.set_policy("contoso", json!({}))?;
    control.switch(|it| {
        (it.creation_refusal, it.pascal_case_errors) = (CreationRefusal::PolicyViolation, false);
    });
    control.add_member("contoso", "alice")
}

/// Starts the agent anew, without what it would remember besides the sign-in: keys, and what was made that it has to
/// look for.
fn forget(rig: &Rig) -> Result<()> {
    rig.sandbox.valetkey(&["agent", "stop"])?.expect_ok("stop")?;
    let state = rig.sandbox.home().join("state/valetkey");
    for file in ["ledger.jsonl", "memory.json"] {
        fs::remove_file(state.join(file)).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("start")?;
    Ok(())
}

fn times(count: usize, one: &str, more: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    }
}

/// What stands on the terminal; days and ports are not the same tomorrow.
fn lines(rig: &Rig, mut text: String) -> Vec<String> {
    let urls = rig.emulator.urls();
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
    lines.collect()
}

/// A refusal as a cell, if it is fit to be read: what happened, what to do next, and nothing else.
fn fit(rig: &Rig, case: &Case, said: &[String]) -> Result<String> {
    let text = said.join("\n");
    let [what, next @ ..] = said else { bail!("nothing was said") };
    ensure!(what.starts_with("error: ") && !next.is_empty(), "no error with a hint: {text}");
    ensure!(next.iter().all(|line| line.starts_with("hint: ")), "more than a hint: {text}");
    ensure!(text.contains(case.mark.trim_matches('`')), "{} is not named: {text}", case.mark);
    for line in said {
        ensure!(line.chars().count() <= LONGEST, "too long: {line}");
        ensure!(!line.ends_with(['.', ' ', ';', ':']), "an end that is none: {line}");
        ensure!(!line.contains("  ") && !line.contains(char::is_control), "badly put: {line}");
    }
    if let Some(unfit) = UNFIT.iter().find(|unfit| text.contains(**unfit)) {
        bail!("{unfit:?} in: {text}");
    }
    ensure!(!rig.control().secrets().iter().any(|secret| text.contains(secret)), "a secret in: {text}");
    Ok(said.join("<br>"))
}

/// A text in which what tells a case from the others of its row is left out.
fn shortened(row: &Row, case: &Case, text: &str) -> String {
    if row.cases.len() == 1 || case.mark.is_empty() {
        return text.to_owned();
    }
    let Some(begin) = text.find("(AADSTS") else { return text.replace(&case.mark, "`…`") };
    let mut depth = 0;
    let end = text[begin..].find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    let rest = end.map_or("", |end| &text[begin + end..]);
    format!("{}(AADSTS…{rest}", &text[..begin])
}
