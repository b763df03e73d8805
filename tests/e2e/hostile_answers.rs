//! What a service, or somebody in its place, can make the agent say and do: a line that says who answered wrongly, no
//! secret anywhere, nothing sent elsewhere, and an agent that serves the next question.

use std::{
    fs,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, Rig, find_on_path, read_below};

/// The most memory an agent may ever have had, in kB: 10 MB answers must not stay, nor be held whole.
const MOST_MEMORY: u64 = 64 * 1024;
const EVIL: &str = "66666666-6666-6666-6666-666666666666";

/// A place that nobody should come to.
struct Elsewhere {
    address: String,
    visits: Arc<AtomicUsize>,
}

impl Elsewhere {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        thread::spawn(move || {
            while listener.accept().is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self { address, visits })
    }
}

/// Ways to answer with something else than what was asked for.
fn attacks(elsewhere: &str) -> Vec<(&'static str, Action)> {
    let stolen = Action::Redirect { to: format!("http://{elsewhere}/stolen") };
    let merge = |patch: Value| Action::Merge { patch };
    vec![
        ("a redirect to another host", stolen),
        ("a sign-in page with 203", Action::SignInPage),
        ("a page with 200", Action::Html),
        ("half an answer", Action::Truncated),
        ("compressed", Action::Gzip),
        ("10 MB", Action::BigBody { bytes: 10 << 20 }),
        ("a list in its place", merge(json!([]))),
        ("nothing in its place", merge(json!({ "access_token": null, "patToken": null, "patTokens": null }))),
        (
            "tokens that are too long to hand on",
            merge(json!({ "access_token": "a".repeat(20_000), "patToken": { "token": "a".repeat(9000) },
                "patTokens": 1 })),
        ),
        (
            "tokens that break a line",
            merge(
                json!({ "access_token": "a\r\nquit=1", "patToken": { "token": "a\nquit=1" }, "patTokens": [{}] }),
            ),
        ),
    ]
}

/// Questions that show a secret: where they go, and what makes the agent ask them.
struct Question {
    name: &'static str,
    fault: fn(Action) -> Fault,
    asked: fn(&Rig) -> Result<Ran>,
}

const QUESTIONS: [Question; 3] = [
    Question {
        name: "a refresh",
        fault: |action| Fault::new(action).host(Host::Login).grant("refresh_token"),
        asked: |rig| {
            rig.control().revoke_access_tokens("alice");
            ls_remote(rig, "contoso")
        },
    },
    Question {
        name: "a mint",
        fault: |action| {
            Fault::new(action).host(Host::Vssps).method("POST").path("tokens/pats").org("contoso")
        },
        asked: |rig| ls_remote(rig, "contoso"),
    },
    Question {
        name: "a list",
        fault: |action| Fault::new(action).host(Host::Vssps).method("GET").path("tokens/pats").org("contoso"),
        asked: |rig| rig.sandbox.valetkey(&["pat", "list", "--org", "contoso"]),
    },
];

fn ls_remote(rig: &Rig, organisation: &str) -> Result<Ran> {
    let address = rig.repository(&format!("{organisation}/widgets/_git/widgets"));
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &address])
}

/// A rig that logs all it can, signed in for an organisation that is attacked and for one that is not.
fn rig() -> Result<Rig> {
    let mut rig = Rig::with(&find_on_path("git").context("git is not installed")?, "")?;
    rig.sandbox.set("VALETKEY_LOG", "trace");
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.sign_in("strict")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    Ok(rig)
}

#[test]
fn a_refresh_answered_wrongly() -> Result<()> {
    try_all(&QUESTIONS[0])
}

#[test]
fn a_mint_answered_wrongly() -> Result<()> {
    try_all(&QUESTIONS[1])
}

#[test]
fn a_list_answered_wrongly() -> Result<()> {
    try_all(&QUESTIONS[2])
}

fn try_all(question: &Question) -> Result<()> {
    let elsewhere = Elsewhere::open()?;
    let attacks = attacks(&elsewhere.address);
    thread::scope(|scope| {
        let try_some = |some: &[(&str, Action)]| {
            some.iter().try_for_each(|(name, action)| try_one(question, name, action.clone(), &elsewhere))
        };
        let workers: Vec<_> = attacks.chunks(4).map(|some| scope.spawn(move || try_some(some))).collect();
        let outcomes = workers.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.into_iter().try_for_each(|outcome| outcome.map_err(|_| anyhow::anyhow!("it panicked"))?)
    })
}

fn try_one(question: &Question, name: &str, action: Action, elsewhere: &Elsewhere) -> Result<()> {
    let rig = rig()?;
    rig.control().fault((question.fault)(action).always());
    let ran = (question.asked)(&rig)?;
    let what = || format!("{}, {name}:\n{}{}", question.name, ran.stdout(), ran.stderr());
    ensure!(!ran.ok(), "{} was taken", what());
    check_words(&rig, &ran).with_context(what)?;
    rig.control().clear_faults();
    serves(&rig).with_context(what)?;
    ensure!(elsewhere.visits.load(Ordering::Relaxed) == 0, "{}: somebody went elsewhere", what());
    Ok(())
}

/// A mint whose answer never comes to its end keeps nobody else waiting, and leaves no key.
#[test]
fn a_mint_answered_drop_by_drop() -> Result<()> {
    let rig = rig()?;
    rig.control().fault((QUESTIONS[1].fault)(Action::SlowDrip { millis: 1000 }).always());
    thread::scope(|scope| {
        let slow = scope.spawn(|| ls_remote(&rig, "contoso"));
        // The answer begins only after the key was made.
        while rig.control().live_pats().is_empty() && !slow.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        ls_remote(&rig, "strict")?.expect_ok("the other organisation")?;
        ensure!(!slow.is_finished(), "it did not drip");
        let ran = slow.join().map_err(|_| anyhow::anyhow!("it panicked"))??;
        ensure!(!ran.ok() && ran.stderr().starts_with("valetkey: "), "{}", ran.stderr());
        rig.control().clear_faults();
        rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
        ensure!(rig.control().live_pats().is_empty(), "the key whose answer dripped is alive");
        Ok(())
    })
}

/// One line of what and what next, which says whose answer is wrong, and no secret in it or in any file.
fn check_words(rig: &Rig, ran: &Ran) -> Result<()> {
    let said = ran.stderr();
    let told: Vec<_> =
        said.lines().filter(|line| line.starts_with("valetkey: ") || line.starts_with("error: ")).collect();
    ensure!(told.len() == 1, "not one line");
    let urls = rig.emulator.urls();
    let hosts = [&urls.login, &urls.vssps].map(|url| url.trim_start_matches("https://"));
    ensure!(hosts.iter().any(|host| told[0].contains(host)), "it names no host");
    ensure!(!said.contains("panicked") && !said.contains("Username for"), "it is not told well");
    let mut seen = vec![("the terminal".to_owned(), format!("{}{said}", ran.stdout()))];
    read_below(rig.sandbox.home(), &mut seen)?;
    let secrets = rig.control().secrets();
    ensure!(secrets.len() >= 3, "only {} secrets to look for", secrets.len());
    for (place, text) in &seen {
        let found = secrets.iter().find(|secret| text.contains(secret.as_str()));
        ensure!(found.is_none(), "{place} holds a secret");
    }
    Ok(())
}

/// The agent lives, in bounds, and answers another question.
fn serves(rig: &Rig) -> Result<()> {
    let report: Value = serde_json::from_str(&rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
    let pid = report["pid"].as_u64().context("the agent is gone")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    ensure!(peak < MOST_MEMORY, "the agent had {peak} kB");
    // What has failed is not asked again at once, and no person waits for less than this.
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let went = ls_remote(rig, "strict")?;
        if went.ok() {
            return Ok(());
        }
        ensure!(Instant::now() < end, "the next question fails: {}", went.stderr());
        thread::sleep(Duration::from_millis(200));
    }
}

/// What an organisation says of itself to somebody who is not signed in: nothing foreign is believed.
#[test]
fn an_organisation_that_points_elsewhere() -> Result<()> {
    let elsewhere = Elsewhere::open()?;
    let address = &elsewhere.address;
    let evil = [
        ("www-authenticate", format!("Bearer authorization_uri=https://{address}/{EVIL}")),
        (
            "www-authenticate",
            format!("Bearer authorization_uri=\"https://login.microsoftonline.com.evil.example/{EVIL}\""),
        ),
        (
            "www-authenticate",
            format!("Bearer authorization_uri=https://login.microsoftonline.com@{address}/{EVIL}"),
        ),
        ("www-authenticate", format!("Basic realm=\"x\", Bearer realm=\"{}", "a".repeat(9000))),
        ("x-vss-authorizationendpoint", format!("https://{address}/contoso/")),
        ("x-vss-authorizationendpoint", format!("http://{address}/contoso/")),
        ("x-vss-resourcetenant", format!("../{EVIL}")),
    ];
    for (name, value) in evil {
        let rig = Rig::new()?;
        let headers = vec![
            (name.to_owned(), value.clone()),
            (name.to_owned(), value.clone()),
            ("location".to_owned(), format!("http://{address}/")),
        ];
        rig.control().fault(Fault::new(Action::Headers { headers }).host(Host::Dev).always());
        let ran = rig.sign_in("contoso")?;
        let said = format!("{name}: {value:.80}\n{}{}", ran.stdout(), ran.stderr());
        ensure!(!said.contains("panicked") && !said.contains('\u{1b}'), "{said}");
        ensure!(elsewhere.visits.load(Ordering::Relaxed) == 0, "{said}: somebody went elsewhere");
        let to_evil = rig.control().requests().iter().filter(|request| request.path.contains(EVIL)).count();
        ensure!(to_evil == 0, "{said}: the tenant of a foreign address was asked");
        ensure!(ran.ok(), "{said}");
    }
    Ok(())
}
