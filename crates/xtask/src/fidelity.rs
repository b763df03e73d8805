//! `cargo xtask fidelity`: clients of other people against our emulator, and our programs against servers of other
//! people, as a table.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};

use crate::{
    build::{self, Speed},
    clients, dotnet, packages,
    runner::{cargo, say, target_dir},
};

/// Names the file the tests write to; read by them as well.
const FILE: &str = "VALETKEY_FIDELITY";

/// The modules of the end-to-end tests that this is about.
const TESTS: [&str; 3] = ["fidelity::", "others::", "replay::"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write down anew what every client says, into tests/fixtures/fidelity
    #[arg(long)]
    record: bool,
}

/// One flow of one client, as a test told it.
struct Line<'a> {
    client: &'a str,
    flow: &'a str,
    version: &'a str,
    outcome: &'a str,
    why: &'a str,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    packages::ensure()?;
    let clients = clients::ensure(false)?;
    let programs = build::programs(Speed::Quick)?;
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "valetkey-tests", "--test", "e2e", "--no-fail-fast", "--"]);
    tests.args(TESTS).env("VALETKEY_PROGRAMS", &programs.dir).env(clients::FOLDER, &clients);
    let told = begin(&mut tests)?;
    if args.record {
        tests.env("VALETKEY_RECORD", "1");
    }
    if let Some(program) = dotnet::program()? {
        tests.env(dotnet::PROGRAM, program);
    }
    say("==> clients and servers of other people");
    let ok = tests.status().context("cannot start cargo test")?.success();
    let passed = show(&told)?;
    Ok(if ok && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has the tests tell what became of each flow, and gives the file they tell it to.
pub(crate) fn begin(tests: &mut Command) -> Result<PathBuf> {
    let told = target_dir()?.join("fidelity.txt");
    fs::write(&told, "")?;
    tests.env(FILE, &told);
    Ok(told)
}

/// Prints the table, if there is one, and gives how many flows passed.
pub(crate) fn show(told: &Path) -> Result<usize> {
    let text = fs::read_to_string(told)?;
    let lines: Vec<_> = text.lines().filter_map(Line::read).collect();
    if !lines.is_empty() {
        writeln!(std::io::stdout(), "\n{}", table(&lines))?;
    }
    Ok(lines.iter().filter(|line| line.outcome == "passed").count())
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut fields = text.split('\t');
        let mut next = || fields.next();
        Some(Self { client: next()?, flow: next()?, version: next()?, outcome: next()?, why: next()? })
    }
}

fn table(lines: &[Line<'_>]) -> String {
    let mut by_client: BTreeMap<&str, Vec<&Line<'_>>> = BTreeMap::new();
    for line in lines {
        by_client.entry(line.client).or_default().push(line);
    }
    let mut text = "| client | version | flow | outcome |\n| --- | --- | --- | --- |\n".to_owned();
    for (client, mut flows) in by_client {
        flows.sort_by_key(|line| line.flow);
        let said = flows.iter().map(|line| line.version).filter(|text| !text.is_empty());
        let known = said.min_by_key(|text| text.len()).unwrap_or("not known");
        for line in flows {
            let version = if line.version.is_empty() { known } else { line.version };
            let why = if line.why.is_empty() { String::new() } else { format!(": {}", line.why) };
            let _ = writeln!(text, "| {client} | {version} | {} | {}{why} |", line.flow, line.outcome);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flow_has_its_version_and_no_client_that_of_another() {
        let told = "curl\tPAT API\t7.88.1\tpassed\t\ncurl\tEntra\t\tfailed\tno answer\ncurl\tfeeds\t7.88.1 and npm 9\tpassed\t\nGCM\tOAuth\t\tskipped\tnot installed\ngarbage\n";
        let lines: Vec<_> = told.lines().filter_map(Line::read).collect();
        let expected = "| client | version | flow | outcome |\n| --- | --- | --- | --- |\n\
                        | GCM | not known | OAuth | skipped: not installed |\n\
                        | curl | 7.88.1 | Entra | failed: no answer |\n\
                        | curl | 7.88.1 | PAT API | passed |\n\
                        | curl | 7.88.1 and npm 9 | feeds | passed |\n";
        assert_eq!(table(&lines), expected);
    }
}
