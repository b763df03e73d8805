//! Nothing secret is found where it must not be.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{Rig, read_below};

#[test]
fn no_secret_reaches_a_file_an_argument_or_the_environment() -> Result<()> {
    let mut rig = Rig::with(&valetkey_tests::find_on_path("git").context("git")?, "")?;
    rig.sandbox.set("VALETKEY_LOG", "trace");
    let signed_in = rig.sign_in("contoso")?.expect_ok("signing in")?;
    rig.set_up_git()?;
    let work = rig.sandbox.work();
    let cloned = rig
        .sandbox
        .git(&work, &["clone", "--verbose", &rig.repository("contoso/widgets/_git/widgets"), "tree"])?
        .expect_ok("clone")?;
    let mut seen = vec![("login".to_owned(), signed_in.stdout() + &signed_in.stderr())];
    seen.push(("clone".to_owned(), cloned.stdout() + &cloned.stderr()));
    for verb in [&["status"][..], &["status", "--json"], &["audit", "-n", "100"], &["keys", "list", "--json"]]
    {
        let ran = rig.sandbox.valetkey(verb)?;
        seen.push((verb.join(" "), ran.stdout() + &ran.stderr()));
    }
    let report: serde_json::Value =
        serde_json::from_str(&rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
    let pid = report["pid"].as_u64().context("no agent")?;
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{pid}/{file}");
        seen.push((path.clone(), String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned()));
    }
    read_below(rig.sandbox.home(), &mut seen)?;
    let secrets = rig.control().secrets();
    ensure!(secrets.len() >= 3, "only {} secrets to look for", secrets.len());
    for (place, text) in &seen {
        for secret in &secrets {
            ensure!(!text.contains(secret.as_str()), "{place} holds a secret that begins {secret:.4}");
        }
    }
    Ok(())
}
