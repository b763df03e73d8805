//! Organisations whose policies refuse personal access tokens.

use std::thread;

use anyhow::{Result, ensure};
use valetkey_emulator::{
    APP_LEGACY, APP_MINT, APP_READ, Action, CreationRefusal, Fault, Host, SelfDescribing,
};
use valetkey_tests::{Rig, find_on_path, sign_in_with_device_code};

const REPOSITORY: &str = "locked/Payments%20Platform/_git/Card%20Auth%20(v2).Service";

fn rig(issuers: &str) -> Result<Rig> {
    let git = find_on_path("git").ok_or_else(|| anyhow::anyhow!("git is not installed"))?;
    let rig = Rig::with(&git, &format!("[issuers]\n{issuers}\n"))?;
    rig.set_up_git()?;
    Ok(rig)
}

fn no_session_tokens(rig: &Rig) {
    let refused = Action::Status { status: 403, retry_after: None };
    rig.control().fault(Fault::new(refused).host(Host::Vssps).method("POST").path("SessionTokens").always());
}

#[test]
fn git_clones_with_a_session_token_where_pats_are_restricted() -> Result<()> {
    let rig = rig("")?;
    rig.sign_in("locked")?.expect_ok("login")?;
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    let status = rig.sandbox.valetkey(&["status"])?.expect_ok("status")?.stdout();
    ensure!(status.contains("instead   session token for locked (vso.code), tried again in "), "{status}");
    ensure!(status.contains("does not allow you to create personal access tokens"), "{status}");
    let audit = rig.sandbox.valetkey(&["audit"])?.stdout();
    ensure!(audit.contains("detour") && audit.contains("session token"), "{audit}");
    rig.sandbox.git(&work.join("tree"), &["fetch"])?.expect_ok("fetch")?;
    let sessions = rig.control().requests_to(Host::Vssps, "POST", "SessionTokens").len();
    ensure!(sessions == 1 && rig.mints() == 1, "{sessions} session tokens, {} PATs asked for", rig.mints());
    Ok(())
}

#[test]
fn without_session_tokens_and_an_allow_list_the_policy_is_named() -> Result<()> {
    let rig = rig("session-tokens = false")?;
    rig.sign_in("locked")?.expect_ok("login")?;
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["clone", &rig.repository(REPOSITORY), "tree"])?;
    ensure!(
        !ran.ok() && ran.stderr().contains("does not allow you to create personal access tokens"),
        "{}",
        ran.stderr()
    );
    ensure!(rig.control().requests_to(Host::Vssps, "POST", "SessionTokens").is_empty());
    Ok(())
}

#[test]
fn git_clones_with_an_entra_token_of_a_registration_that_cannot_mint() -> Result<()> {
    let rig = lending(APP_READ, &["locked"])?;
    no_session_tokens(&rig);
    let work = rig.sandbox.work();
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok("clone")?;
    let status = rig.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("instead   Entra token for locked (vso.code)"), "{status}");
    let open = rig.repository("contoso/Payments%20Platform/_git/Card%20Auth%20(v2).Service");
    ensure!(
        !rig.sandbox.git(&work, &["ls-remote", &open])?.ok(),
        "an organisation that nobody named was served"
    );
    Ok(())
}

/// Both positions of what nobody knows, whether the policy against PATs is one against session tokens too, and the ways
/// to say so.
#[test]
fn where_session_tokens_are_refused_too_git_clones_with_an_entra_token() -> Result<()> {
    let rows = [
        (CreationRefusal::PolicyViolation, SelfDescribing::Given, "session token"),
        (CreationRefusal::PolicyViolation, SelfDescribing::PolicyViolation, "Entra token"),
        (CreationRefusal::PolicyViolation, SelfDescribing::Forbidden, "Entra token"),
        (CreationRefusal::AccessDenied, SelfDescribing::PolicyViolation, "Entra token"),
        (CreationRefusal::Forbidden, SelfDescribing::Forbidden, "Entra token"),
    ];
    // Signing in waits for the interval of a device code.
    let failed: Vec<String> = thread::scope(|scope| {
        let running = rows.map(|row| scope.spawn(move || hands_out(row)));
        let ends = running.into_iter().map(|row| row.join().expect("a row panicked"));
        ends.filter_map(|end| end.err().map(|error| format!("{error:#}"))).collect()
    });
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

fn hands_out((creation, session, kind): (CreationRefusal, SelfDescribing, &str)) -> Result<()> {
    let rig = lending(APP_READ, &["locked"])?;
    let control = rig.control();
    control.switch(|it| (it.creation_refusal, it.self_describing) = (creation, session));
    let work = rig.sandbox.work();
    let row = format!("{creation:?}, {session:?}");
    rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?.expect_ok(&row)?;
    let status = rig.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains(&format!("instead   {kind} for locked (vso.code)")), "{row}: {status}");
    // The key serves on: nothing is asked for again.
    rig.sandbox.git(&work.join("tree"), &["fetch"])?.expect_ok(&row)?;
    let sessions = control.requests_to(Host::Vssps, "POST", "SessionTokens");
    ensure!(rig.mints() == 1 && sessions.len() == 1, "{row}: {} and {}", rig.mints(), sessions.len());
    ensure!(control.violations().is_empty(), "{row}: {:?}", control.violations());
    Ok(())
}

/// Signed in for `locked`, with a registration to lend Entra tokens to these organisations.
fn lending(client: &str, organisations: &[&str]) -> Result<Rig> {
    let rig = rig(&format!("entra-organisations = {organisations:?}\nentra-client-id = \"{client}\""))?;
    rig.sign_in("locked")?.expect_ok("login")?;
    let approve = |code: &str| rig.control().approve_device(code);
    sign_in_with_device_code(&rig.sandbox, &["locked", "--client-id", client], approve)?
        .expect_ok("login to lend")?;
    Ok(rig)
}

#[test]
fn off_the_allow_list_one_reads_what_an_administrator_must_do() -> Result<()> {
    let rig = lending(APP_READ, &["contoso"])?;
    let work = rig.sandbox.work();
    for refusal in [SelfDescribing::PolicyViolation, SelfDescribing::Forbidden] {
        rig.control().switch(|it| it.self_describing = refusal);
        let ran = rig.sandbox.git(&work, &["clone", &rig.repository(REPOSITORY), "tree"])?;
        let words = "valetkey: `locked` does not allow you to create personal access tokens \
                     (`disablePatCreationPolicyViolation`); ask an administrator of `locked` to put you on the \
                     allow-list of the policy `Restrict personal access token creation`";
        ensure!(!ran.ok() && ran.stderr().contains(words), "{refusal:?}: {}", ran.stderr());
        ensure!(!work.join("tree").exists());
    }
    Ok(())
}

#[test]
fn a_registration_that_may_mint_is_not_taken_for_lending() -> Result<()> {
    for (lender, taken) in [(APP_LEGACY, false), (APP_READ, true), (APP_MINT, true)] {
        let lists = format!("entra-organisations = [\"locked\"]\nentra-client-id = \"{lender}\"");
        let rig = rig(&lists)?;
        let control = rig.control();
        let approve = |code: &str| control.approve_device(code);
        let ran = sign_in_with_device_code(&rig.sandbox, &["locked", "--client-id", lender], approve)?;
        ensure!(ran.ok() == taken, "{lender}: {}{}", ran.stdout(), ran.stderr());
    }
    Ok(())
}

#[test]
fn where_packages_only_are_allowed_code_gets_another_kind() -> Result<()> {
    let rig = rig("")?;
    rig.sign_in("pkgonly")?.expect_ok("login")?;
    let repository = rig.repository(&REPOSITORY.replace("locked", "pkgonly"));
    rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &repository])?.expect_ok("ls-remote")?;
    let status = rig.sandbox.valetkey(&["status"])?.stdout();
    ensure!(status.contains("session token for pkgonly (vso.code)"), "{status}");
    Ok(())
}

#[test]
fn what_a_policy_made_necessary_is_known_after_a_restart_and_damage_to_that_costs_one_question() -> Result<()>
{
    let rig = rig("\n[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"")?;
    rig.sign_in("locked")?.expect_ok("login")?;
    let list = || rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &rig.repository(REPOSITORY)]);
    list()?.expect_ok("ls-remote")?;
    for (damage, asked) in [(None, 1), (Some("{nonsense"), 2)] {
        rig.sandbox.valetkey(&["agent", "stop"])?.expect_ok("stop")?;
        let memory = rig.sandbox.home().join("state/valetkey/memory.json");
        damage.map_or(Ok(()), |damage| std::fs::write(&memory, damage))?;
        let status =
            rig.sandbox.valetkey(&["agent", "start"]).and_then(|_| rig.sandbox.valetkey(&["status"]))?;
        let told = status.stdout().contains("instead   session token for locked (vso.code), tried again in ");
        ensure!(told == damage.is_none(), "{}", status.stdout());
        list()?.expect_ok("after a restart")?;
        ensure!(rig.mints() == asked, "{} PATs asked for, {damage:?}", rig.mints());
    }
    Ok(())
}
