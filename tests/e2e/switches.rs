//! The main job under every way the real service is known, or suspected, to differ from what its pages say.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use valetkey_emulator::{Action, CreationRefusal, Fault, Host, LifespanPolicy, SignInAnswer, Switches};
use valetkey_tests::{Rig, find_on_path};

type Row = (&'static str, fn(&mut Switches));

/// Seconds that lists and revocations lag behind where they do.
const LAG: i64 = 30;

const ROWS: &[Row] = &[
    ("access tokens that are JWTs", |it| it.opaque_access_tokens = false),
    ("an access token lives a minute", |it| it.token_lifetime = Some(60)),
    ("refresh_in", |it| it.refresh_in = true),
    ("a refresh token is good once", |it| it.refresh_token_single_use = true),
    ("no slow_down", |it| it.slow_down = false),
    ("a page instead of a redirect", |it| it.sign_in_answer = SignInAnswer::Page),
    ("challenges joined in one line", |it| it.challenge_joined = true),
    ("a quoted authorization_uri", |it| it.challenge_quoted = true),
    ("joined and quoted", |it| (it.challenge_joined, it.challenge_quoted) = (true, true)),
    ("an alias of the authority", |it| it.challenge_alias_host = true),
    ("two tenants", |it| it.challenge_two_tenants = true),
    ("Bearer without an authority", |it| it.challenge_bare_bearer = true),
    ("claims without an authority", |it| it.claims_challenge_uri = false),
    ("403 for PATs as Basic", |it| it.pat_as_basic_status = 403),
    ("pats_manage alone", |it| it.pats_manage_alone = true),
    ("no user_impersonation", |it| it.user_impersonation = false),
    ("lifespans are refused", |it| it.lifespan_policy = LifespanPolicy::Refuse),
    ("404 for an unknown key", |it| it.unknown_pat_is_404 = true),
    ("200 for a revocation", |it| it.revoke_status = 200),
    ("404 for a second revocation", |it| it.repeated_revoke_status = 404),
    ("revocations lag", |it| it.revoke_lag = LAG),
    ("lists lag", |it| it.list_lag = LAG),
    ("an expired key is not extended", |it| it.expired_cannot_be_extended = true),
    ("short keys", |it| it.short_pats = true),
    ("errors in PascalCase", |it| it.pascal_case_errors = true),
    ("the service's clock is an hour ahead", |it| it.date_skew = 3600),
    ("the service's clock is an hour behind", |it| it.date_skew = -3600),
];

#[test]
fn the_main_job_works_under_each_switch() -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Vec<String> = thread::scope(|scope| {
        // Signing in waits for the interval of a device code, so several go on at a time.
        let workers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    std::iter::from_fn(|| ROWS.get(next.fetch_add(1, Ordering::Relaxed)))
                        .filter_map(|(name, change)| {
                            main_job(*change).err().map(|error| format!("{name}: {error:#}"))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker panicked")).collect()
    });
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn main_job(change: fn(&mut Switches)) -> Result<()> {
    let rig = rig(change)?;
    rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    let (work, control) = (rig.sandbox.work(), rig.control());
    rig.sandbox
        .git(&work, &["clone", &rig.repository("contoso/widgets/_git/widgets"), "tree"])?
        .expect_ok("clone")?;
    let tree = work.join("tree");
    fs::write(tree.join("a"), "a")?;
    rig.sandbox.git(&tree, &["add", "."])?.expect_ok("add")?;
    rig.sandbox.git(&tree, &["commit", "-m", "a"])?.expect_ok("commit")?;
    // The next key needs a refresh.
    control.revoke_access_tokens("alice");
    rig.sandbox.git(&tree, &["push", "origin", "HEAD"])?.expect_ok("push")?;
    for pat in control.live_pats() {
        control.revoke_pat(&pat.authorization_id)?;
    }
    // A git that does not ask twice needs a command to find out that the key is dead.
    let healed = rig.sandbox.git(&tree, &["fetch"])?.ok();
    if !healed {
        rig.sandbox.git(&tree, &["fetch"])?.expect_ok("fetch with another key")?;
    }
    let signed_out = rig.sandbox.valetkey(&["logout"])?.expect_ok("logout")?;
    control.advance(LAG + 1);
    ensure!(signed_out.stderr().is_empty(), "signing out: {}", signed_out.stderr());
    ensure!(control.live_pats().is_empty(), "left alive: {:?}", control.live_pats());
    ensure!(control.violations().is_empty(), "{:?}", control.violations());
    Ok(())
}

#[test]
fn an_organisation_that_forbids_keys_is_named_however_it_says_so() -> Result<()> {
    let ways = [CreationRefusal::PolicyViolation, CreationRefusal::AccessDenied, CreationRefusal::Forbidden];
    let rig = rig(|_| ())?;
    rig.sign_in("locked")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    // Else a session token would serve.
    rig.control().fault(Fault::new(Action::status(403)).host(Host::Vssps).path("sessiontokens").always());
    for way in ways {
        for pascal in [false, true] {
            rig.control().switch(|it| (it.creation_refusal, it.pascal_case_errors) = (way, pascal));
            rig.sandbox.valetkey(&["agent", "restart"])?.expect_ok("restart")?;
            let url = rig.repository("locked/widgets/_git/widgets");
            let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &url])?;
            let said = ran.stderr();
            let line = said.lines().find(|line| line.starts_with("valetkey: ")).unwrap_or_default();
            ensure!(!ran.ok() && line.contains("`locked`") && line.contains("; "), "{way:?}: {said}");
        }
    }
    Ok(())
}

/// A rig whose service answers that way, with secrets that outlive the agent.
fn rig(change: fn(&mut Switches)) -> Result<Rig> {
    let vault = "[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"\n";
    let rig = Rig::with(&find_on_path("git").context("git is not installed")?, vault)?;
    rig.control().switch(change);
    Ok(rig)
}
