//! A person at a terminal ends `valetkey pat` before its time: Ctrl-C while a command has the value, and signals while
//! a value is on the screen.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use valetkey_emulator::PatState;
use valetkey_tests::{Rig, needs};

/// Longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const CTRL_C: &[u8] = b"\x03";
/// Says that it has the value, and ends when it is let go.
const WAITS: &str =
    "cat > value.new; echo $$ > at; while [ ! -e go ]; do sleep 0.01; done; mv value.new value";

/// A terminal with one program in its foreground.
struct Terminal {
    child: Child,
    keys: ChildStdin,
}

/// What became of it.
struct Seen {
    code: Option<i32>,
    text: String,
}

struct Desk {
    rig: Rig,
}

impl Desk {
    /// A desk with one token, `ci`, whose value is in a file.
    fn new() -> Result<Self> {
        let rig = Rig::signed_in_keeping_secrets()?;
        let desk = Self { rig };
        let line = ["pat", "create", "ci", "--scope", "vso.build", "--to-command", "--", "sh", "-c"];
        let line = [&line[..], &["cat > value"]].concat();
        desk.rig.sandbox.valetkey(&line)?.expect_ok("create")?;
        Ok(desk)
    }

    /// Runs a line of shell as the terminal's first program; `$VALETKEY` is ours.
    fn run(&self, line: &str) -> Result<Terminal> {
        let mut command = self.rig.sandbox.command("script");
        command.args(["-qec", line, "/dev/null"]).current_dir(self.rig.sandbox.work());
        command.env("VALETKEY", valetkey_tests::programs()?.join("valetkey")).env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let keys = child.stdin.take().context("no input")?;
        Ok(Terminal { child, keys })
    }

    /// Regenerates `ci` into a command, which is waited for until it has the value.
    fn regenerate(&self, script: &str) -> Result<Terminal> {
        let terminal = self.run(&format!(
            "echo $$ > pid; exec \"$VALETKEY\" pat regenerate ci --to-command -- sh -c '{script}'"
        ))?;
        wait("the command to have the value", || self.path("at").exists())?;
        ensure!(self.live() == 2, "{} tokens live while the command has the value", self.live());
        Ok(terminal)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.rig.sandbox.work().join(name)
    }

    fn text(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.path(name)).with_context(|| name.to_owned())
    }

    fn live(&self) -> usize {
        self.rig.control().live_pats().len()
    }

    /// Whether the one token that lives is the one in the file.
    fn one_lives_and_is_in_its_place(&self) -> Result<()> {
        let pat = self.rig.control().pat_of(&self.text("value")?);
        ensure!(pat.is_some_and(|pat| pat.state == PatState::Live), "the value in its place is dead");
        let live = self.rig.control().live_pats();
        ensure!(live.len() == 1 && live[0].display_name == "ci", "{live:?}");
        Ok(())
    }

    fn signal(&self, name: &str, file: &str) -> Result<()> {
        let pid = self.text(file)?;
        let sent = Command::new("kill").args([&format!("-{name}"), pid.trim()]).status()?;
        ensure!(sent.success(), "no process {pid}");
        Ok(())
    }
}

impl Terminal {
    fn press(&mut self, keys: &[u8]) -> Result<()> {
        self.keys.write_all(keys)?;
        Ok(self.keys.flush()?)
    }

    /// To its own end: the code of a program that a signal ended is 128 and the signal (script(1)).
    fn end(mut self) -> Result<Seen> {
        wait("the program to end", || !matches!(self.child.try_wait(), Ok(None)))?;
        drop(self.keys);
        let out = self.child.wait_with_output()?;
        Ok(Seen { code: out.status.code(), text: String::from_utf8_lossy(&out.stdout).into_owned() })
    }
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() >= end {
            bail!("waited {PATIENCE:?} for {what}");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn has_script(test: &str) -> bool {
    needs(test, &["script"])
}

#[test]
fn ctrl_c_ends_the_command_and_costs_the_new_token_only() -> Result<()> {
    if !has_script("ctrl_c_ends_the_command_and_costs_the_new_token_only") {
        return Ok(());
    }
    let desk = Desk::new()?;
    let mut terminal = desk.regenerate(WAITS)?;
    terminal.press(CTRL_C)?;
    let seen = terminal.end()?;
    ensure!(seen.text.contains("the token that was made is revoked again"), "{}", seen.text);
    ensure!(seen.text.contains("`sh` ended with 130"), "{}", seen.text);
    // As Ctrl-C would have ended it: a loop of the shell stops too.
    ensure!(seen.code == Some(130), "{:?} {}", seen.code, seen.text);
    desk.one_lives_and_is_in_its_place()
}

#[test]
fn a_command_that_goes_on_after_ctrl_c_is_waited_for() -> Result<()> {
    if !has_script("a_command_that_goes_on_after_ctrl_c_is_waited_for") {
        return Ok(());
    }
    let desk = Desk::new()?;
    let before = desk.text("value")?;
    let mut terminal = desk.regenerate(&format!("trap : INT; {WAITS}"))?;
    for _ in 0..3 {
        terminal.press(CTRL_C)?;
        thread::sleep(Duration::from_millis(50));
    }
    ensure!(terminal.child.try_wait()?.is_none() && desk.live() == 2, "it did not wait for the command");
    fs::write(desk.path("go"), "")?;
    let seen = terminal.end()?;
    ensure!(seen.code == Some(0) && seen.text.contains("the old one is revoked"), "{}", seen.text);
    ensure!(desk.text("value")? != before, "the old value is in its place");
    desk.one_lives_and_is_in_its_place()
}

#[test]
fn a_request_to_end_is_passed_on_to_the_command() -> Result<()> {
    if !has_script("a_request_to_end_is_passed_on_to_the_command") {
        return Ok(());
    }
    let desk = Desk::new()?;
    let terminal = desk.regenerate(WAITS)?;
    desk.signal("TERM", "pid")?;
    let seen = terminal.end()?;
    ensure!(seen.text.contains("`sh` ended with 143") && seen.code == Some(143), "{}", seen.text);
    desk.one_lives_and_is_in_its_place()
}

#[test]
fn a_signal_takes_a_value_from_the_screen() -> Result<()> {
    if !has_script("a_signal_takes_a_value_from_the_screen") {
        return Ok(());
    }
    let desk = Desk::new()?;
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        let name = format!("by-{signal}");
        let terminal = desk.run(&format!(
            "stty -g > before; sh -c 'echo $$ > pid; exec \"$VALETKEY\" pat create {name} --scope vso.build'; \
             echo $? > code; stty -g > after"
        ))?;
        // Its name loses the mark when it was seen, and told to have been.
        wait("the value to be shown", || {
            desk.rig.control().live_pats().iter().any(|pat| pat.display_name == name)
        })?;
        desk.signal(signal, "pid")?;
        let seen = terminal.end()?;
        ensure!(desk.text("code")?.trim() == (128 + number).to_string(), "{signal}: {}", desk.text("code")?);
        let (enter, leave) = (seen.text.find("\u{1b}[?1049h"), seen.text.find("\u{1b}[?1049l"));
        ensure!(enter.is_some() && enter < leave, "{signal}: {:?}", seen.text);
        ensure!(desk.text("before")? == desk.text("after")?, "{signal}: other settings than before");
        let pid: i32 = desk.text("pid")?.trim().parse()?;
        ensure!(!PathBuf::from(format!("/proc/{pid}")).exists(), "{signal}: it lives");
    }
    Ok(())
}
