//! A person at a build: signing in from it, and what is read when something under it fails.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::{Ran, user_code, write_project, write_sources};

use crate::nuget::{Bench, write_solution};

/// Seconds after which a build that still runs counts as hanging.
const LIMIT: &str = "100";

/// The same command by way of another program, in the same folder and with the same variables.
fn by_way_of(words: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
    like(&mut command, inner);
    command
}

fn like(command: &mut Command, other: &Command) {
    command.env_clear().stdin(Stdio::null());
    command.envs(other.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(other.get_current_dir().unwrap_or(Path::new("/")));
}

/// The same command under a pseudo-terminal of its own (util-linux: script).
fn at_a_terminal(inner: &Command) -> Command {
    let words = std::iter::once(inner.get_program()).chain(inner.get_args());
    let line: Vec<_> =
        words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))).collect();
    let mut command = Command::new("timeout");
    command.args([LIMIT, "script", "-qefc", &line.join(" "), "/dev/null"]);
    like(&mut command, inner);
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    // A terminal whose other end has closed is none.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a build at a terminal where nobody is signed in, and signs in as soon as the terminal shows a code. The
/// emulator gives no session before, so a restore that succeeds has shown it in time.
fn signs_in_from_the_build(bench: &Bench, build: &Command) -> Result<String> {
    let control = bench.rig.control();
    let mut child = at_a_terminal(build).spawn().context("cannot start `script`")?;
    let mut screen = String::new();
    let mut approved = false;
    let mut lines = BufReader::new(child.stdout.take().context("no terminal")?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line).into_owned();
        if let (Some(code), false) = (code_in(&text), approved) {
            ensure!(control.pats().is_empty(), "a key was given before anybody was asked");
            control.approve_device(&code).with_context(|| format!("on the screen: {text}"))?;
            approved = true;
        }
        screen += &text;
        line.clear();
    }
    let status = child.wait()?;
    ensure!(status.success(), "{status}, signed in: {approved}\n{screen}");
    ensure!(approved, "no code was shown\n{screen}");
    Ok(screen)
}

fn code_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("type the code ")?;
    user_code(rest)
}

/// Three projects of one solution, for which nobody is signed in.
fn solution(bench: &Bench) -> Result<PathBuf> {
    bench.rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
    let top = bench.rig.sandbox.work().join("several");
    fs::create_dir_all(&top)?;
    write_sources(&top, &[("shared", &bench.feed("contoso/_packaging/shared"))])?;
    let names = ["one", "two", "three"];
    for name in names {
        write_project(&top.join(name), name, &[("Contoso.Core", "1.0.0")])?;
        fs::write(top.join(name).join("Program.cs"), "class P { static void Main() { } }\n")?;
    }
    write_solution(&top, &names)?;
    Ok(top)
}

/// Device codes that were asked for.
fn codes(bench: &Bench) -> usize {
    bench.rig.control().requests_to(Host::Login, "POST", "/devicecode").len()
}

fn asked_once(test: &str, args: &[&str]) -> Result<()> {
    let Some(bench) = Bench::new(test)? else { return Ok(()) };
    let top = solution(&bench)?;
    let build = bench.dotnet.command(&bench.rig.sandbox, &top, args);
    let screen = signs_in_from_the_build(&bench, &build)?;
    ensure!(codes(&bench) == 1, "{} device codes were asked for\n{screen}", codes(&bench));
    ensure!(bench.rig.mints() == 1, "{} mints\n{screen}", bench.rig.mints());
    ensure!(!has_a_stack_trace(&screen), "{screen}");
    bench.nothing_left()
}

#[test]
fn the_terminal_logger_does_not_hide_the_code() -> Result<()> {
    asked_once("nuget sign-in, terminal logger", &["restore", "--no-cache", "--tl:on"])
}

#[test]
fn the_classic_logger_shows_the_code_in_time() -> Result<()> {
    asked_once("nuget sign-in, classic logger", &["restore", "--no-cache", "--tl:off"])
}

#[test]
fn a_build_that_asks_from_two_processes_asks_the_person_once() -> Result<()> {
    asked_once("nuget sign-in, build", &["build", "--tl:on"])
}

#[test]
fn a_build_that_nobody_watches_asks_nobody() -> Result<()> {
    let Some(bench) = Bench::new("nuget in CI")? else { return Ok(()) };
    let top = solution(&bench)?;
    let mut build = bench.dotnet.command(&bench.rig.sandbox, &top, &["restore", "--no-cache", "--tl:off"]);
    build.env("CI", "true");
    let ran = bench.rig.sandbox.run(at_a_terminal(&build))?;
    let said = said(&ran);
    ensure!(!ran.ok() && said.contains("valetkey login contoso"), "{said}");
    ensure!(codes(&bench) == 0, "a code was asked for\n{said}");
    Ok(())
}

/// A restore that is ended from outside if it hangs.
fn restore(bench: &Bench, folder: &Path) -> Command {
    let inner = bench.dotnet.command(&bench.rig.sandbox, folder, &["restore", "--no-cache"]);
    by_way_of(&["timeout", LIMIT], &inner)
}

fn said(ran: &Ran) -> String {
    ran.stdout() + &ran.stderr()
}

/// What .NET prints of an exception nobody caught.
fn has_a_stack_trace(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("at ") && line.contains('('))
}

/// Whether the restore came to an end of its own.
fn ended(ran: &Ran) -> bool {
    ran.output.status.code().is_some_and(|code| code != 124)
}

fn one_project(bench: &Bench) -> Result<PathBuf> {
    let feed = bench.feed("contoso/_packaging/shared");
    bench.project("app", &[("Contoso.Core", "1.0.0")], &[("shared", &feed)])
}

/// Runs a restore, and does something while the emulator holds a request of this kind.
fn meanwhile(bench: &Bench, at: Fault, act: impl FnOnce() -> Result<()>) -> Result<Ran> {
    let folder = one_project(bench)?;
    let control = bench.rig.control();
    control.fault(at.always());
    let mut command = restore(bench, &folder);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let restore = thread::spawn(move || child.wait_with_output());
    held(bench)?;
    act()?;
    control.clear_faults();
    control.release();
    let output = restore.join().map_err(|_| anyhow!("the restore could not be waited for"))??;
    Ok(Ran { output, took: Duration::ZERO })
}

#[test]
fn an_agent_killed_while_it_mints_ends_the_restore_in_plain_words() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget, agent killed")? else { return Ok(()) };
    let minting = Fault::new(Action::Hold).host(Host::Vssps).method("POST").path("tokens/pats");
    let ran = meanwhile(&bench, minting, || {
        let status = bench.rig.sandbox.valetkey(&["status", "--json"])?.stdout();
        let pid = serde_json::from_str::<Value>(&status)?["pid"].as_u64().context("no agent")?;
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
        ensure!(killed.success(), "the agent could not be killed");
        Ok(())
    })?;
    let said = said(&ran);
    // The emulator's host is not built in: only the agent knew it for one of ours, so NuGet has the last word.
    ensure!(ended(&ran) && !ran.ok() && said.contains("401"), "{}\n{said}", ran.output.status);
    ensure!(!has_a_stack_trace(&said), "{said}");
    Ok(())
}

#[test]
fn a_key_revoked_in_the_middle_of_a_restore_is_healed_within_it() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget, key revoked in the middle")? else { return Ok(()) };
    let reading = Fault::new(Action::Hold).host(Host::Pkgs).path("/flat2/");
    let ran = meanwhile(&bench, reading, || {
        let keys = bench.rig.control().live_pats();
        ensure!(keys.len() == 1, "{keys:?}");
        bench.rig.control().revoke_pat(&keys[0].authorization_id)
    })?;
    let said = said(&ran.expect_ok("restore whose key was revoked")?);
    ensure!(bench.rig.mints() == 2, "{} mints\n{said}", bench.rig.mints());
    bench.nothing_left()
}

/// Waits until the emulator holds a request.
fn held(bench: &Bench) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(50);
    while bench.rig.control().held() == 0 {
        if Instant::now() > deadline {
            bail!("nothing is held");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[test]
fn a_feed_that_is_down_is_told_in_nugets_words_and_mints_once_at_most() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget, feed down")? else { return Ok(()) };
    let folder = one_project(&bench)?;
    let control = bench.rig.control();
    // Without waiting, NuGet tries as often as ever.
    let quick = |mut command: Command| {
        command.env("NUGET_ENHANCED_NETWORK_RETRY_DELAY_MILLISECONDS", "1");
        command
    };
    control.fault(Fault::new(Action::status(503)).host(Host::Pkgs).always());
    let ran = bench.rig.sandbox.run(quick(restore(&bench, &folder)))?;
    ensure!(ended(&ran) && !ran.ok() && said(&ran).contains("503"), "{}", said(&ran));
    ensure!(bench.rig.mints() == 0, "a key for a feed that wants none: {}", said(&ran));
    // It takes the key, and then fails.
    control.clear_faults();
    control.fault(Fault::new(Action::status(503)).host(Host::Pkgs).path("/flat2/").always());
    let ran = bench.rig.sandbox.run(quick(restore(&bench, &folder)))?;
    let said = said(&ran);
    ensure!(ended(&ran) && !ran.ok() && said.contains("503"), "{said}");
    ensure!(!has_a_stack_trace(&said) && !said.contains("valetkey:"), "{said}");
    ensure!(bench.rig.mints() == 1, "{} mints: {said}", bench.rig.mints());
    control.clear_faults();
    bench.rig.sandbox.run(restore(&bench, &folder))?.expect_ok("restore from a feed that is up again")?;
    ensure!(bench.rig.mints() == 1, "{} mints", bench.rig.mints());
    bench.nothing_left()
}

#[test]
fn exec_gives_keys_without_any_plugin() -> Result<()> {
    let Some(bench) = Bench::signed_in("nuget exec")? else { return Ok(()) };
    let folder = one_project(&bench)?;
    let plain = |words: &[&str]| {
        let mut inner = bench.dotnet.command(&bench.rig.sandbox, &folder, &["restore", "--no-cache"]);
        // Nothing that is called `nuget-plugin-*` is here.
        inner.env("PATH", "/usr/bin:/bin");
        bench.rig.sandbox.run(by_way_of(words, &inner))
    };
    let ran = plain(&["timeout", LIMIT])?;
    ensure!(!ran.ok() && said(&ran).contains("401"), "a plugin was found: {}", said(&ran));
    let valetkey = bench.rig.sandbox.command("valetkey").get_program().to_string_lossy().into_owned();
    plain(&["timeout", LIMIT, &valetkey, "exec", "--"])?.expect_ok("restore by way of `valetkey exec`")?;
    let scopes: Vec<_> = bench.rig.control().live_pats().into_iter().map(|pat| pat.scope).collect();
    ensure!(scopes == ["vso.packaging"], "{scopes:?}");
    bench.nothing_left()
}
