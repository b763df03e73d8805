//! A person at a build: signing in from it, and nobody there to sign in.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::{
    clients::{Client, Person},
    user_code,
};

use super::{
    bench::{Bench, said, told_once},
    terminal::{at_a_terminal, ended, has_a_stack_trace},
};

/// Three projects of one solution, for which nobody is signed in.
pub(super) fn three_projects<C: Client>(bench: &Bench<C>) -> Result<PathBuf> {
    let names = ["one", "two", "three"].map(str::to_owned);
    bench.solution(&names, &[("Contoso.Core", "1.0.0")], &["contoso"])
}

pub(super) fn signs_in<C: Client>(bench: &Bench<C>) -> Result<()> {
    let top = three_projects(bench)?;
    asked_once(bench, &bench.client.restore(&bench.rig.sandbox, &top, Person::Present))
}

/// The same with any build.
pub(super) fn asked_once<C: Client>(bench: &Bench<C>, build: &Command) -> Result<()> {
    let screen = signs_in_from(bench, build)?;
    ensure!(bench.codes() == 1, "{} device codes were asked for\n{screen}", bench.codes());
    ensure!(bench.rig.mints() == 1, "{} mints\n{screen}", bench.rig.mints());
    ensure!(!has_a_stack_trace(&screen), "{screen}");
    bench.nothing_left()
}

/// Runs a build at a terminal where nobody is signed in, and signs in as soon as the terminal shows a code. The
/// emulator gives no session before, so a restore that succeeds has shown it in time.
fn signs_in_from<C: Client>(bench: &Bench<C>, build: &Command) -> Result<String> {
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

/// At a terminal, where a prompt would wait for ever.
pub(super) fn nobody_is_asked<C: Client>(bench: &Bench<C>) -> Result<()> {
    let top = three_projects(bench)?;
    let build = bench.client.restore(&bench.rig.sandbox, &top, Person::Absent);
    let ran = bench.run(at_a_terminal(&build))?;
    let said = said(&ran);
    ensure!(ended(&ran) && !ran.ok(), "{said}");
    told_once(&said, "valetkey login contoso")?;
    ensure!(!has_a_stack_trace(&said), "{said}");
    ensure!(bench.codes() == 0, "a code was asked for\n{said}");
    ensure!(bench.rig.mints() == 0, "a key was minted");
    Ok(())
}
