//! A session that has ended beside a key that still works: NuGet's user reads it too, and the build does not fail by it.

use anyhow::{Result, ensure};
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::clients::{Client as _, Person};

use crate::nuget::{
    bench::{Bench, said},
    terminal::at_a_terminal,
};

const SENTENCE: &str =
    "valetkey: the session with Microsoft Entra has ended (AADSTS50173); this key works for ";
const HINT: &str = "run `valetkey login contoso --account alice@contoso.example`";

#[test]
fn a_restore_says_once_that_the_session_has_ended_and_succeeds() -> Result<()> {
    let Some(bench) = Bench::newest("re_sign_in_nuget")? else { return Ok(()) };
    bench.sign_in("contoso")?;
    bench.rig.sandbox.valetkey(&["login", "strict"])?.expect_ok("login strict")?;
    bench.rig.set_up_git()?;
    let folder = bench.project("contoso", ("Contoso.Core", "1.0.0"))?;
    bench.run(bench.restore(&folder))?.expect_ok("before")?;

    let control = bench.rig.control();
    control.revoke_access_tokens("alice");
    let action = Action::Entra { name: "bad_token".to_owned(), claims: None };
    control.fault(Fault::new(action).host(Host::Login).grant("refresh_token").always());
    let elsewhere = bench.rig.repository("strict/widgets/_git/widgets");
    let ran = bench.rig.sandbox.git(&bench.rig.sandbox.work(), &["ls-remote", &elsewhere])?;
    ensure!(!ran.ok(), "a key without a session");

    // In a build that takes warnings for errors, whose output goes to a file, and at a terminal.
    let strict = |folder| {
        let mut build = bench.client.restore(&bench.rig.sandbox, folder, Person::Absent);
        build.arg("-warnaserror");
        build
    };
    for at_terminal in [false, true] {
        bench.forget_packages(&folder)?;
        let build = strict(&folder);
        let ran = bench.run(if at_terminal {
            at_a_terminal(&build)
        } else {
            crate::nuget::terminal::limited(&build)
        })?;
        let said = said(&ran);
        ensure!(ran.ok(), "it failed by a notice: {said}");
        let lines: Vec<_> =
            said.lines().filter(|line| line.contains(SENTENCE) && line.contains(HINT)).collect();
        // Once by the plugin itself, once in NuGet's own log, which a terminal may not show.
        let expected = if at_terminal { 1..=2 } else { 2..=2 };
        ensure!(
            expected.contains(&lines.len()),
            "told {} times, terminal: {at_terminal}\n{said}",
            lines.len()
        );
    }
    Ok(())
}
