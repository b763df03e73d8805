//! `valetkey pat regenerate` and the agent are killed at every step, a hundred times: no token is lost, none is left.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use valetkey_emulator::{Action, Fault, Host, PatState, PatView};
use valetkey_tests::{Rig, find_on_path};

const ROUNDS: usize = 100;
/// Rigs that work side by side.
const RIGS: usize = 2;
const MORE: &str = "[keys]\nmints-per-hour = 1000\n[vault]\nstore = \"sealed\"\nsealed-key = \"kernel\"\n[agent]\nidle-exit-minutes = 5\n";
/// Longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the blow falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The service has the n-th request of this method and has not looked at it.
    Before(&'static str, u32),
    /// The service has done what the n-th request of this method says, and the answer is on its way.
    After(&'static str, u32),
    /// The command has the new value and has not put it into its place.
    InCommand,
    /// The command has put it there and has not ended.
    CommandDone,
    /// Some milliseconds after the start.
    Sometime(u64),
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Program,
    Both,
}

/// The steps of a regeneration by name: the list, the old token, the new one, the command, the old one's end, the
/// name without the mark.
const POINTS: [Point; 15] = [
    Point::Before("GET", 1),
    Point::After("GET", 1),
    Point::Before("GET", 2),
    Point::After("GET", 2),
    Point::Before("POST", 1),
    Point::After("POST", 1),
    Point::InCommand,
    Point::CommandDone,
    Point::Before("DELETE", 1),
    Point::After("DELETE", 1),
    Point::Before("GET", 3),
    Point::Before("PUT", 1),
    Point::After("PUT", 1),
    Point::Sometime(0),
    Point::Sometime(40),
];
const VICTIMS: [Victim; 3] = [Victim::Agent, Victim::Program, Victim::Both];

#[test]
fn a_hundred_blows_lose_no_token_and_leave_none() -> Result<()> {
    let started = Instant::now();
    let rigs: Vec<_> = (0..RIGS).map(|number| thread::spawn(move || strike(number))).collect();
    for rig in rigs {
        rig.join().map_err(|_| anyhow::anyhow!("a rig panicked"))??;
    }
    println!("{ROUNDS} blows in {:.1?}", started.elapsed());
    Ok(())
}

fn strike(number: usize) -> Result<()> {
    let bench = Bench::new()?;
    for round in (number..ROUNDS).step_by(RIGS) {
        // Every point meets every victim before one comes again, on either rig.
        let point = match POINTS[round % POINTS.len()] {
            Point::Sometime(base) => Point::Sometime(base + (round as u64 * 7) % 40),
            point => point,
        };
        let victim = VICTIMS[round / POINTS.len() % VICTIMS.len()];
        bench.round(point, victim).with_context(|| format!("round {round}: {point:?}, {victim:?}"))?;
    }
    bench.nothing_is_left()
}

struct Bench {
    rig: Rig,
    folder: PathBuf,
}

impl Bench {
    fn new() -> Result<Self> {
        let rig = Rig::with(&find_on_path("git").context("git is not installed")?, MORE)?;
        rig.sign_in("contoso")?.expect_ok("signing in")?;
        let folder = rig.sandbox.work().join("sink");
        fs::create_dir(&folder)?;
        let bench = Self { rig, folder };
        let made = bench.command(&["create", "deploy", "--scope", "vso.build"], PLAIN).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(bench)
    }

    fn round(&self, point: Point, victim: Victim) -> Result<()> {
        let control = self.rig.control();
        let before = control.live_pats();
        let gets = self.requests("GET");
        let agent = self.agent()?;
        self.set_up(point, victim);
        let script = match point {
            Point::InCommand => IN_COMMAND,
            Point::CommandDone => COMMAND_DONE,
            _ => PLAIN,
        };
        let mut program = self.command(&REGENERATE, script).spawn()?;
        self.reach(point, &mut program, &before, gets)?;
        if victim != Victim::Program {
            kill(agent)?;
        }
        if victim != Victim::Agent {
            kill(program.id())?;
        }
        if victim == Victim::Both && self.path("at").exists() {
            kill(fs::read_to_string(self.path("at"))?.trim().parse()?)?;
        } else if self.path("at").exists() {
            fs::write(self.path("go"), "")?;
            wait("the command to end", || Ok(self.path("done").exists()))?;
        }
        control.clear_faults();
        control.release();
        // To the end of its streams: the command that it started may go on without it.
        program.wait_with_output()?;
        self.the_value_in_its_place_works("right after the blow")?;
        self.rig.sandbox.valetkey(&["agent", "start"])?.expect_ok("agent start")?;
        // What the ledger says is acted on before the list is asked for.
        let list = ["pat", "list", "--org", "contoso", "--json"];
        self.rig.sandbox.valetkey(&list)?.expect_ok("the list after the blow")?;
        self.the_value_in_its_place_works("after the next start")?;
        for file in ["at", "go", "done", "value.new"] {
            let _ = fs::remove_file(self.path(file));
        }
        let again = self.command(&REGENERATE, PLAIN).output()?;
        ensure!(again.status.success(), "the next run: {}", String::from_utf8_lossy(&again.stderr));
        self.the_value_in_its_place_works("after the next run")
    }

    /// Exactly one token lives: the one whose value is in its place, under its own name.
    fn nothing_is_left(&self) -> Result<()> {
        let control = self.rig.control();
        wait("the last orphan to be revoked", || Ok(control.live_pats().len() == 1))?;
        self.the_value_in_its_place_works("at the end")?;
        let left = control.live_pats();
        ensure!(left[0].display_name == "deploy", "it is called `{}`", left[0].display_name);
        let report: Value =
            serde_json::from_str(&self.rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
        // What was never made is looked for a while longer, since lists lag: `to_revoke` says nothing here.
        ensure!(report["warnings"] == serde_json::json!([]), "{report}");
        Ok(())
    }

    fn the_value_in_its_place_works(&self, when: &str) -> Result<()> {
        let value = fs::read_to_string(self.path("value"))?;
        let opens = self.rig.control().pat_of(&value).is_some_and(|pat| pat.state == PatState::Live);
        ensure!(opens, "{when}, the value in its place opens nothing: {:#?}", self.rig.control().live_pats());
        Ok(())
    }

    fn set_up(&self, point: Point, victim: Victim) {
        let (action, method, nth) = match point {
            Point::Before(method, nth) => (Action::Hold, method, nth),
            // The agent goes on where only the program dies: its answer comes, slowly.
            Point::After(method, nth) if victim == Victim::Program => {
                (Action::SlowDrip { millis: 1 }, method, nth)
            }
            Point::After(method, nth) => (Action::HangAfterCommit, method, nth),
            _ => return,
        };
        let fault = Fault::new(action).host(Host::Vssps).method(method).path("tokens/pats").nth(nth);
        self.rig.control().fault(fault);
    }

    fn reach(&self, point: Point, program: &mut Child, before: &[PatView], gets: usize) -> Result<()> {
        let control = self.rig.control();
        let is_there = || match point {
            Point::Before(..) => control.held() > 0,
            Point::After("POST", _) => control.live_pats().len() > before.len(),
            Point::After("DELETE", _) => {
                let live = control.live_pats();
                before.iter().any(|old| live.iter().all(|pat| pat.authorization_id != old.authorization_id))
            }
            Point::After("PUT", _) => control.live_pats().iter().any(|pat| {
                pat.display_name == "deploy"
                    && before.iter().all(|old| old.authorization_id != pat.authorization_id)
            }),
            Point::After(_, nth) => self.requests("GET") >= gets + nth as usize,
            Point::InCommand | Point::CommandDone => self.path("at").exists(),
            Point::Sometime(millis) => {
                thread::sleep(Duration::from_millis(millis));
                true
            }
        };
        wait("the point to be reached", || {
            if is_there() {
                return Ok(true);
            }
            ensure!(program.try_wait()?.is_none() || is_there(), "the program ended before it");
            Ok(false)
        })
    }

    fn command(&self, verb: &[&str], script: &str) -> Command {
        let mut command = self.rig.sandbox.command("valetkey");
        command.arg("pat").args(verb).args(["--org", "contoso", "--to-command", "--", "sh", "-c", script]);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn requests(&self, method: &str) -> usize {
        self.rig.control().requests_to(Host::Vssps, method, "/_apis/tokens/pats").len()
    }

    fn agent(&self) -> Result<u32> {
        let report: Value =
            serde_json::from_str(&self.rig.sandbox.valetkey(&["status", "--json"])?.stdout())?;
        Ok(u32::try_from(report["pid"].as_u64().context("no agent")?)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }
}

const REGENERATE: [&str; 2] = ["regenerate", "deploy"];
const PLAIN: &str = "cat > value.new && mv value.new value";
const IN_COMMAND: &str = "cat > value.new; echo $$ > pid; mv pid at; while [ ! -e go ]; do sleep 0.01; done; mv value.new value; : > done";
const COMMAND_DONE: &str = "cat > value.new; mv value.new value; echo $$ > pid; mv pid at; while [ ! -e go ]; do sleep 0.01; done; : > done";

fn kill(pid: u32) -> Result<()> {
    // One that has ended already is as dead as one that is killed.
    Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status()?;
    Ok(())
}

fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() >= end {
            bail!("waited {PATIENCE:?} for {what}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
