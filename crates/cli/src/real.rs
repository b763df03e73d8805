//! The world as it is: this process, this terminal, the agent behind its socket.

mod ending;
mod overhear;
mod screen;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant, SystemTime},
};

use valetkey_client::{
    ANSWER_DEADLINE, ClientError, Connection, Processes as _, SystemProcesses, agent_program,
};
use valetkey_paths::{Paths, env};
use valetkey_protocol::{Answer, Caller, ClientKind, Event, ExposeSecret as _, Request, SecretString};

use crate::{
    agent::{Agent, Start, Unreachable},
    environment::Environment,
    exit::Exit,
    programs::Programs,
    publishing::ThisPipeline,
    setup::{self, Git},
    world::{Person, Place, Screen, Shown, World},
};

/// How long a question may take that makes the agent revoke keys, each with a call to the service.
const REVOKING: Duration = Duration::from_secs(5 * 60);
/// The longest secret that is read from standard input, in bytes.
const LONGEST_SECRET: u64 = 4096;
/// Microsoft: "Common NuGet configurations", computer level.
const NUGET_MACHINE: &str = if cfg!(windows) {
    r"C:\Program Files (x86)\NuGet\Config"
} else if cfg!(target_os = "macos") {
    "/Library/Application Support/NuGet/Config"
} else {
    "/etc/opt/NuGet/Config"
};
/// Between two looks whether an agent has ended.
const STEP: Duration = Duration::from_millis(50);

pub(crate) fn run(command_line: impl Iterator<Item = OsString>) -> Exit {
    let mut shell = Shell::default();
    let exit = run_with(command_line, &mut shell);
    if let Some(held) = shell.held.filter(|_| exit != Exit::Done) {
        held.grant();
    }
    exit
}

fn run_with(command_line: impl Iterator<Item = OsString>, shell: &mut Shell) -> Exit {
    let mut world = World {
        out: &mut anstream::stdout().lock(),
        err: &mut anstream::stderr(),
        agent: &mut Daemon,
        person: &mut Terminal,
        programs: shell,
        publishing: &mut ThisPipeline,
        git: Git::on_path(),
        place: place(),
    };
    crate::run(command_line, &mut world)
}

fn place() -> Place {
    let paths = Paths::discover().ok();
    let folder = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let helper = |name: &str| {
        setup::locate(name, folder.as_deref().unwrap_or(Path::new("")), env::PATH.get().as_deref())
    };
    Place {
        config_file: paths
            .as_ref()
            .map_or_else(|| PathBuf::from("valetkey/config.toml"), |paths| paths.config_user.clone()),
        git_helper: helper(setup::HELPER),
        // The real file, so that a link to it outlives a link to this program.
        nuget_plugin: folder.clone().unwrap_or_default().join(nuget_plugin()),
        nuget_record: paths.map_or_else(PathBuf::new, |paths| paths.state_dir.join("nuget-setup.json")),
        nuget_machine: PathBuf::from(NUGET_MACHINE),
        home: std::env::home_dir().unwrap_or_default(),
        folder: std::env::current_dir().unwrap_or_default(),
        environment: Environment::from_process(),
        screen: screen(),
        now: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        output_is_lost: output_is_lost(),
        caller: caller(),
    }
}

/// A process that is started without a standard output gets the null device in its place from Rust.
#[cfg(unix)]
fn output_is_lost() -> bool {
    let (Ok(null), Ok(output)) = (rustix::fs::stat("/dev/null"), rustix::fs::fstat(rustix::stdio::stdout()))
    else {
        return false;
    };
    rustix::fs::FileType::from_raw_mode(output.st_mode).is_char_device() && null.st_rdev == output.st_rdev
}

#[cfg(not(unix))]
fn output_is_lost() -> bool {
    false
}

fn caller() -> Option<Caller> {
    let pid = std::process::id();
    let started = SystemProcesses.process(pid)?.started;
    Some(Caller { pid, started })
}

fn nuget_plugin() -> String {
    format!("{}{}", setup::nuget::PLUGIN, std::env::consts::EXE_SUFFIX)
}

fn screen() -> Screen {
    if env::SSH_CONNECTION.get().is_some() {
        return Screen::Remote;
    }
    let has_display = cfg!(any(windows, target_os = "macos"))
        || env::DISPLAY.get().is_some()
        || env::WAYLAND_DISPLAY.get().is_some();
    if has_display { Screen::Here } else { Screen::Absent }
}

struct Daemon;

impl Daemon {
    fn converse(
        request: &Request,
        start: Start,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Answer, ClientError> {
        if matches!(request, Request::Stop) {
            // Whatever its version: otherwise nothing could restart an agent of another one.
            return Connection::stop(&Paths::discover()?, ClientKind::Cli);
        }
        let start = match start {
            Start::Never => valetkey_client::Start::Never,
            Start::OnDemand => valetkey_client::Start::OnDemand { agent: agent_program()? },
        };
        let mut connection = Connection::open(&Paths::discover()?, ClientKind::Cli, start)?;
        match request {
            Request::Login(_) => connection.ask_stream(request, |event| on_event(&event)),
            Request::Logout(_) | Request::Revoke { .. } | Request::Lock { .. } | Request::Pat(_) => {
                connection.ask_within(request, REVOKING)
            }
            _ => connection.ask_within(request, ANSWER_DEADLINE),
        }
    }
}

impl Agent for Daemon {
    fn ask(
        &mut self,
        request: &Request,
        start: Start,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Answer, Unreachable> {
        match Self::converse(request, start, on_event) {
            Ok(answer) => Ok(answer),
            // The connection was refused, not the agent unreachable: the same to a person as a refused question.
            Err(ClientError::Refused(refusal)) => Ok(Answer::Refused(refusal)),
            Err(ClientError::NoAgent) => Err(Unreachable::NotRunning),
            Err(error) => Err(Unreachable::Failed { sentence: error.sentence(), hint: error.hint() }),
        }
    }

    fn wait_until_gone(&mut self, limit: Duration) -> bool {
        let Ok(paths) = Paths::discover() else { return true };
        let end = Instant::now() + limit;
        while !is_gone(&paths) {
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(STEP);
        }
        true
    }

    fn run_in_foreground(&mut self) -> io::Result<Exit> {
        let program = agent_program().map_err(|error| io::Error::other(error.sentence()))?;
        Shell::default().instead(Command::new(program).arg("run"))
    }
}

/// A finishing agent no longer listens, and holds its lock until everything is written.
fn is_gone(paths: &Paths) -> bool {
    let silent = matches!(
        Connection::open(paths, ClientKind::Cli, valetkey_client::Start::Never),
        Err(ClientError::NoAgent)
    );
    silent && is_free(&paths.agent_lock)
}

fn is_free(lock: &Path) -> bool {
    File::open(lock).map_or(true, |file| file.try_lock_shared().is_ok())
}

/// Bytes that a pipe takes with nobody at its other end, on every system.
const PIPE_HOLDS: usize = 4096;

#[derive(Default)]
struct Shell {
    held: Option<ending::Held>,
}

impl Programs for Shell {
    fn hold(&mut self) -> io::Result<()> {
        if self.held.is_none() {
            self.held = Some(ending::Held::new()?);
        }
        Ok(())
    }

    fn let_go(&mut self) {
        if let Some(held) = &self.held {
            held.let_go();
        }
    }

    /// In the same process, so that signals of a supervisor or a terminal reach it.
    #[cfg(unix)]
    fn instead(&mut self, command: &mut Command) -> io::Result<Exit> {
        Err(std::os::unix::process::CommandExt::exec(command))
    }

    #[cfg(not(unix))]
    fn instead(&mut self, command: &mut Command) -> io::Result<Exit> {
        self.wait(command)
    }

    /// The secret is in the pipe before the command starts: killed at any moment, this gives it the whole or nothing.
    fn feed(&mut self, command: &mut Command, secret: &SecretString) -> io::Result<Exit> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() > PIPE_HOLDS {
            return Err(io::Error::other("the token is too long for a pipe"));
        }
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(secret)?;
        drop(writer);
        command.stdin(reader);
        let status = match &mut self.held {
            Some(held) => held.run(command)?,
            None => command.status()?,
        };
        Ok(ended(status))
    }

    fn wait(&mut self, command: &mut Command) -> io::Result<Exit> {
        Ok(ended(command.status()?))
    }

    fn overhear(&mut self, command: &mut Command, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit> {
        let (mut out, mut err) = (io::stdout(), io::stderr());
        overhear::run(command, &mut out, &mut err, on_line).map(ended)
    }
}

/// A program that a signal ended has no code: told as shells do.
fn ended(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or_else(|| signal.map(|signal: i32| 128 + signal));
    Exit::Other(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

struct Terminal;

impl Person for Terminal {
    fn open_browser(&mut self, url: &str) -> bool {
        webbrowser::open(url).is_ok()
    }

    fn passphrase(&mut self, prompt: &str) -> io::Result<SecretString> {
        rpassword::prompt_password(prompt).map(SecretString::from)
    }

    fn has_terminal(&self) -> bool {
        screen::Screen::is_there()
    }

    fn show_secret(&mut self, heading: &str, secret: &SecretString) -> io::Result<Box<dyn Shown>> {
        Ok(Box::new(screen::Screen::show(heading, secret)?))
    }

    fn secret(&mut self, prompt: &str) -> io::Result<SecretString> {
        let input = io::stdin();
        if input.is_terminal() {
            return self.passphrase(prompt);
        }
        let mut line = String::new();
        input.lock().take(LONGEST_SECRET).read_line(&mut line)?;
        if line.trim().is_empty() {
            return Err(io::Error::other("standard input holds none"));
        }
        Ok(SecretString::from(line))
    }
}
