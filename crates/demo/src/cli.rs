//! The demo's command line.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    thread,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use valetkey_emulator::{Emulator, Options};

use crate::{Sandbox, World, bench, console::Console, find_on_path, interrupt, job::Job};

#[derive(Parser)]
#[command(name = "valetkey-demo", about = "Valetkey's main job on the embedded emulator")]
struct Args {
    /// Folder that holds the shipped programs
    #[arg(long)]
    programs: PathBuf,
    /// Leave everything running, and print the lines to play with it
    #[arg(long, conflicts_with = "json")]
    keep: bool,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Measure instead, in this many rounds
    #[arg(long)]
    bench: Option<u32>,
    /// The do-nothing plugin to measure the real one against
    #[arg(long, requires = "bench")]
    bench_plugin: Option<PathBuf>,
    /// The git to use; the first on PATH if not given
    #[arg(long)]
    git: Option<PathBuf>,
}

/// Runs the demo; the exit code tells whether everything held.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let console = Console { json: args.json };
    match run(&args, console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.line(&format!("\nFAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, console: Console) -> Result<()> {
    let (wish, wishes) = mpsc::channel();
    interrupt::listen(wish.clone())?;
    let git = args.git.clone().or_else(|| find_on_path("git")).context("no git on PATH: install git")?;
    let programs = args.programs.canonicalize().context("the folder of the programs does not exist")?;
    let emulator = Emulator::start(Options { git: Some(git.clone()), ..Options::default() })?;
    let mut sandbox = Sandbox::new(&programs, &git)?;
    sandbox.configure(&World::of(&emulator), "")?;
    if let Some(rounds) = args.bench {
        let plan = bench::Plan { rounds, bench_plugin: args.bench_plugin.clone() };
        return bench::run(&sandbox, &emulator, &plan, console);
    }
    let mut job = Job::new(&sandbox, &emulator, console);
    job.work()?;
    if args.keep {
        announce(&sandbox, &emulator, console);
        thread::spawn(move || std::io::stdin().read_line(&mut String::new()).map(|_| wish.send(())));
        wishes.recv()?;
        return Ok(());
    }
    let outcome = job.leave();
    if args.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&job.summary)?)?;
    }
    outcome?;
    console.line("\nAll of it held: one sign-in, a key for each job, none left alive.");
    Ok(())
}

/// Says how to play with what is left running.
fn announce(sandbox: &Sandbox, emulator: &Emulator, console: Console) {
    console.line("\nEverything is left running. In another shell:\n");
    for line in sandbox.shell_lines() {
        console.line(&line);
    }
    console.line(&format!("\ngit clone {}/contoso/widgets/_git/widgets", emulator.urls().dev));
    console.line("valetkey status\n\nReturn or Ctrl-C ends it.");
    let work: &Path = &sandbox.work();
    console.line(&format!("The clone of this run is in {}.", work.join("card-auth").display()));
}
