//! Starting the agent when somebody needs it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Read, Seek as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use valetkey_paths::{Paths, env, trust};
use valetkey_protocol::shown;

use crate::{ClientError, Connection, Phase};

/// Whether an agent is to be started where none runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// No.
    Never,
    /// Yes: this program, which [`agent_program`] finds.
    OnDemand {
        /// Absolute path of the agent's program.
        agent: PathBuf,
    },
}

/// How long an agent may take until it is ready.
const READY_DEADLINE: Duration = Duration::from_secs(10);
/// The longest line it may say.
const LINE_LIMIT: u64 = 4096;

/// The agent's program: in the folder of the running one, never looked up in `PATH` or the working folder, where
/// anybody's repository could hold one.
pub fn agent_program() -> Result<PathBuf, ClientError> {
    let name = format!("valetkey-agent{}", std::env::consts::EXE_SUFFIX);
    let not_installed = |source| ClientError::NotInstalled { program: PathBuf::from(&name), source };
    let mine = std::env::current_exe().map_err(not_installed)?;
    let folder = mine.parent().ok_or_else(|| not_installed(io::ErrorKind::NotFound.into()))?;
    Ok(folder.join(&name))
}

/// Starts `agent` unless `attempt` reaches one by then, and gives the connection. Of a crowd that comes at once one
/// starts it; the others wait for that one, and share its failure instead of repeating it.
pub(crate) fn start(
    paths: &Paths,
    agent: &Path,
    attempt: impl Fn() -> Result<Connection, ClientError>,
) -> Result<Connection, ClientError> {
    trust::ensure_private_dir(&paths.runtime_dir)?;
    let mut turn = Turn::take(&paths.start_lock)?;
    match attempt() {
        Err(ClientError::NoAgent) => {}
        other => return other,
    }
    if let Some(line) = turn.failure_while_waiting() {
        return Err(failed(&line));
    }
    let started = launch(agent, READY_DEADLINE);
    let connection = attempt();
    match (connection, started) {
        (Err(ClientError::NoAgent), Err(failure)) => {
            turn.record(&failure);
            Err(failure)
        }
        (Err(ClientError::NoAgent), Ok(())) => Err(ClientError::Broken(Phase::Start)),
        (connection, _) => connection,
    }
}

/// The right to start an agent, and what the last one who had it wrote down.
struct Turn {
    lock: File,
    before: Option<String>,
}

impl Turn {
    fn take(path: &Path) -> Result<Self, ClientError> {
        let place = |source| ClientError::Unreachable { socket: path.to_owned(), source };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(place)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { lock, before: None }),
            Err(TryLockError::WouldBlock) => {
                let before = read_all(&mut lock);
                wait_for(&lock).map_err(place)?.ok_or(ClientError::TimedOut(Phase::Start))?;
                Ok(Self { lock, before: Some(before) })
            }
            Err(TryLockError::Error(error)) => Err(place(error)),
        }
    }

    /// The line of a failure that came about since this client began to wait.
    fn failure_while_waiting(&mut self) -> Option<String> {
        let before = self.before.as_ref()?;
        let now = read_all(&mut self.lock);
        let (_, line) = now.split_once(' ')?;
        (now != *before).then(|| line.to_owned())
    }

    /// Best effort: where it fails, the next client tries for itself.
    fn record(&mut self, failure: &ClientError) {
        let count: u64 =
            read_all(&mut self.lock).split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
        let line = format!("{} {}\t{}", count.wrapping_add(1), failure.sentence(), failure.hint());
        let _ = self
            .lock
            .rewind()
            .and_then(|()| self.lock.set_len(0))
            .and_then(|()| self.lock.write_all(line.as_bytes()));
    }
}

fn read_all(lock: &mut File) -> String {
    let mut bytes = Vec::new();
    match lock.rewind().and_then(|()| lock.take(LINE_LIMIT).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// Waits a little longer than the one who has the lock may take.
fn wait_for(lock: &File) -> io::Result<Option<()>> {
    let (sender, receiver) = mpsc::channel();
    let shared = lock.try_clone()?;
    thread::spawn(move || {
        let _ = sender.send(shared.lock());
    });
    match receiver.recv_timeout(READY_DEADLINE + Duration::from_secs(5)) {
        Ok(result) => result.map(Some),
        Err(_) => Ok(None),
    }
}

fn launch(agent: &Path, deadline: Duration) -> Result<(), ClientError> {
    let mut child =
        spawn(agent).map_err(|source| ClientError::NotInstalled { program: agent.to_owned(), source })?;
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            let _ = sender.send(first_line(output));
        });
    }
    let Ok(line) = receiver.recv_timeout(deadline) else {
        end(&mut child);
        return Err(ClientError::TimedOut(Phase::Start));
    };
    understand(&line)
}

fn spawn(agent: &Path) -> io::Result<Child> {
    if !agent.is_absolute() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut command = Command::new(agent);
    command
        .args(["run", "--background"])
        .env_clear()
        .envs(env::FOR_AGENT.iter().filter_map(|variable| Some((variable.name(), variable.get()?))))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // Ctrl-C in the terminal is meant for git, not for the agent.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

fn first_line(output: impl Read) -> String {
    let mut line = Vec::new();
    // What came before an error is judged; nothing is `the agent ended`.
    let _ = BufReader::new(output.take(LINE_LIMIT)).read_until(b'\n', &mut line);
    String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()
}

/// The line an agent says when it is ready or will never be.
fn understand(line: &str) -> Result<(), ClientError> {
    match (line, line.strip_prefix("failed ")) {
        ("ready", _) => Ok(()),
        (_, Some(why)) => Err(failed(why)),
        _ => Err(failed("the agent ended before it was ready\trun `valetkey agent run` to see why")),
    }
}

fn failed(why: &str) -> ClientError {
    let (sentence, hint) = why.split_once('\t').unwrap_or((why, "run `valetkey agent run` to see why"));
    ClientError::AgentFailed { sentence: shown(sentence), hint: shown(hint) }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
