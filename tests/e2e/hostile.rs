//! What git can be made to say by a repository, a submodule or a server: no key, no prompt, no mint.

use std::{
    io::Write as _,
    process::{Output, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{Rig, Sandbox};

/// Inputs that get no answer at all, with a signed-in agent running. `HOST` is a host that is ours.
const SILENT: &[(&str, &str)] = &[
    ("no host", "protocol=https\n\n"),
    ("empty host", "protocol=https\nhost=\npath=contoso/p/_git/r\n\n"),
    ("no protocol", "host=HOST\npath=contoso/p/_git/r\n\n"),
    ("http", "protocol=http\nhost=HOST\npath=contoso/p/_git/r\n\n"),
    ("ssh", "protocol=ssh\nhost=HOST\npath=contoso/p/_git/r\n\n"),
    ("two hosts", "protocol=https\nhost=evil.example\nhost=HOST\npath=contoso/p/_git/r\n\n"),
    ("two protocols", "protocol=http\nprotocol=https\nhost=HOST\npath=contoso/p/_git/r\n\n"),
    ("carriage return in the host", "protocol=https\nhost=HOST\rx\npath=contoso/p/_git/r\n\n"),
    ("carriage return in the path", "protocol=https\nhost=HOST\npath=contoso/p\r/_git/r\n\n"),
    ("nul in the path", "protocol=https\nhost=HOST\npath=contoso/p\0/_git/r\n\n"),
    ("escape in the user name", "protocol=https\nhost=HOST\nusername=\x1b[2J\npath=contoso/p/_git/r\n\n"),
    ("a line separator", "protocol=https\nhost=HOST\npath=contoso/\u{2028}/_git/r\n\n"),
    ("out of the organisation", "protocol=https\nhost=HOST\npath=contoso/../evil/_git/r\n\n"),
    ("encoded slash", "protocol=https\nhost=HOST\npath=contoso%2f..%2fevil/_git/r\n\n"),
    ("backslash", "protocol=https\nhost=HOST\npath=contoso\\evil/_git/r\n\n"),
    ("look-alike suffix", "protocol=https\nhost=dev.azure.com.evil.example\npath=contoso/p/_git/r\n\n"),
    ("look-alike prefix", "protocol=https\nhost=evildev.azure.com\npath=contoso/p/_git/r\n\n"),
    ("trailing dot", "protocol=https\nhost=dev.azure.com.\npath=contoso/p/_git/r\n\n"),
    ("another port", "protocol=https\nhost=dev.azure.com:8443\npath=contoso/p/_git/r\n\n"),
    ("homograph", "protocol=https\nhost=dev.\u{430}zure.com\npath=contoso/p/_git/r\n\n"),
    ("two labels", "protocol=https\nhost=a.contoso.visualstudio.com\npath=p/_git/r\n\n"),
    ("no dot before", "protocol=https\nhost=evilvisualstudio.com\npath=p/_git/r\n\n"),
    ("ssh's host", "protocol=https\nhost=ssh.dev.azure.com\npath=v3/contoso/p/r\n\n"),
    ("a foreign host", "protocol=https\nhost=github.com\npath=contoso/p\n\n"),
    ("another port of our machine", "protocol=https\nhost=localhost:1\npath=contoso/p/_git/r\n\n"),
    ("user information as host", "protocol=https\nhost=HOST@evil.example\npath=contoso/p/_git/r\n\n"),
    ("nothing", ""),
    ("no sense", "\u{0}\u{1}\u{2}\n"),
];

#[test]
fn hostile_input_gets_no_answer() -> Result<()> {
    let rig = Rig::signed_in()?;
    let host = rig.emulator.urls().dev.replace("https://", "");
    for (what, input) in SILENT {
        let out = ask(&rig.sandbox, "get", input.replace("HOST", &host).as_bytes())?;
        ensure!(out.stdout.is_empty(), "{what}: {}", String::from_utf8_lossy(&out.stdout));
        ensure!(out.stderr.is_empty(), "{what}: {}", String::from_utf8_lossy(&out.stderr));
        ensure!(out.status.success(), "{what}: {}", out.status);
    }
    let long = format!("protocol=https\nhost={host}\npath=contoso/{}\n\n", "a".repeat(70_000));
    ensure!(ask(&rig.sandbox, "get", long.as_bytes())?.stdout.is_empty(), "an over-long path was answered");
    ensure!(rig.mints() == 0, "{} keys were minted", rig.mints());
    // The same question without a trick is answered, so the silence above was not for another reason.
    let plain = format!("protocol=https\nhost={host}\npath=contoso/p/_git/r\n\n");
    let out = ask(&rig.sandbox, "get", plain.as_bytes())?;
    ensure!(
        String::from_utf8_lossy(&out.stdout).contains("password="),
        "the plain question was not answered"
    );
    Ok(())
}

#[test]
fn an_organisation_nobody_signed_in_for_gets_no_key() -> Result<()> {
    let rig = Rig::signed_in()?;
    let ran = rig.sandbox.git(&rig.sandbox.work(), &["ls-remote", &rig.repository("evilorg/p/_git/r")])?;
    ensure!(!ran.ok() && ran.stderr().contains("valetkey login evilorg"), "{}", ran.stderr());
    ensure!(!ran.stderr().contains("Username for"), "git prompted");
    ensure!(rig.mints() == 0, "a key was minted for it");
    Ok(())
}

#[test]
fn erasing_a_good_key_over_and_over_costs_one_mint_at_most() -> Result<()> {
    let rig = Rig::signed_in()?;
    let host = rig.emulator.urls().dev.replace("https://", "");
    let question = format!("protocol=https\nhost={host}\npath=contoso/p/_git/r\n\n");
    let started = Instant::now();
    for _ in 0..20 {
        let out = ask(&rig.sandbox, "get", question.as_bytes())?;
        let text = String::from_utf8(out.stdout)?;
        let password = text.lines().find_map(|line| line.strip_prefix("password=")).context("no answer")?;
        let erase = format!(
            "protocol=https\nhost={host}\npath=contoso/p/_git/r\nusername=x\npassword={password}\n\n"
        );
        let erased = ask(&rig.sandbox, "erase", erase.as_bytes())?;
        ensure!(
            erased.status.success() && erased.stdout.is_empty() && erased.stderr.is_empty(),
            "erase spoke"
        );
    }
    // What is alive according to Azure DevOps is given up for another one every half a minute at most.
    let most = 2 + usize::try_from(started.elapsed().as_secs() / 30)?;
    ensure!(rig.mints() <= most, "{} mints", rig.mints());
    let stale =
        format!("protocol=https\nhost={host}\npath=contoso/p/_git/r\nusername=x\npassword=guessed\n\n");
    let before = rig.mints();
    for _ in 0..5 {
        ask(&rig.sandbox, "erase", stale.as_bytes())?;
        ask(&rig.sandbox, "get", question.as_bytes())?;
    }
    ensure!(rig.mints() == before, "a value that is not the key was believed");
    Ok(())
}

/// The helper's answer to `input`.
fn ask(sandbox: &Sandbox, verb: &str, input: &[u8]) -> Result<Output> {
    let mut command = sandbox.command("git-credential-valetkey");
    command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    // A helper that refuses early may be gone before all is written.
    let _ = child.stdin.take().context("no standard input")?.write_all(input);
    Ok(child.wait_with_output()?)
}
