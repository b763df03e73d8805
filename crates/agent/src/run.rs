//! From the first instruction to the last: the order in which the agent begins and ends.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
};
use valetkey_paths::{PathError, Paths, env, env::Captured, trust::ensure_private_dir};
use valetkey_protocol::{Reason, Refusal};

use crate::{
    compose,
    control::{Control, Phase},
    desk::Desk,
    detach::{Readiness, detach},
    harden::{harden, quiet_panics, raise_descriptors},
    instance::{Instance, InstanceError},
    limits::Limits,
    log,
    server::Server,
};

/// How long a predecessor that is stopping may take: its grace, and some more for what it writes.
const PATIENCE: Duration = Duration::from_secs(7);

/// Threads for calls that block: the vault's callers, files.
const BLOCKING: usize = 32;

/// Begins, serves and ends. Nothing secret is read before the process is hardened and alone.
pub(crate) fn run(background: bool) -> ExitCode {
    let readiness = Readiness::new(background);
    match begin(background) {
        Ok((runtime, paths, instance)) => {
            // On a worker, where a connection is served by the thread that took it.
            let serving = runtime.spawn(serve(paths, instance, readiness));
            let code = runtime.block_on(serving).unwrap_or(ExitCode::FAILURE);
            // A vault that hangs would otherwise hold the process.
            runtime.shutdown_background();
            code
        }
        Err(refusal) => fail(readiness, &refusal),
    }
}

fn begin(background: bool) -> Result<(Runtime, Paths, Instance), Refusal> {
    harden().map_err(|error| cannot("the process cannot be hardened", &error))?;
    let paths = Paths::discover().map_err(misplaced)?;
    ensure_private_dir(&paths.state_dir).map_err(misplaced)?;
    let level = env::LOG.text();
    if background {
        detach().map_err(|error| cannot("the terminal cannot be left", &error))?;
        log::begin(log::Destination::File(&paths.log), level.as_deref());
    } else {
        log::begin(log::Destination::StandardError, level.as_deref());
    }
    quiet_panics();
    let instance = Instance::claim(&paths.agent_lock, &paths.socket, PATIENCE)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING)
        .thread_name("agent")
        .enable_all()
        .build()
        .map_err(|error| cannot("no thread can be begun", &error))?;
    Ok((runtime, paths, instance))
}

async fn serve(paths: Paths, instance: Instance, readiness: Readiness) -> ExitCode {
    let control = Control::default();
    match listen(&paths, instance, &control) {
        Ok((desk, server, signals)) => {
            desk.broker.start().await;
            desk.probe_vault();
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "serving at `{}`", paths.socket.display());
            readiness.ready();
            tokio::spawn(signals.heed(Arc::clone(&desk)));
            let end = server.run().await;
            finish(&desk).await;
            tracing::info!(why = ?end.why, "ended");
            ExitCode::SUCCESS
        }
        Err(refusal) => fail(readiness, &refusal),
    }
}

fn listen(
    paths: &Paths,
    instance: Instance,
    control: &Control,
) -> Result<(Arc<Desk>, Server<Desk>, Signals), Refusal> {
    let signals = Signals::begin().map_err(|error| cannot("signals cannot be heard", &error))?;
    let desk = Arc::new(compose::desk(paths, Captured::from_process(), control.clone())?);
    let limits = Limits::default().within(raise_descriptors());
    let server = Server::bind(instance, Arc::clone(&desk), limits, control.clone(), run_id())?;
    Ok((desk, server, signals))
}

/// The lock is held meanwhile: the next agent must not read a ledger that this one still writes.
async fn finish(desk: &Desk) {
    tokio::select! {
        () = desk.broker.stop() => {}
        () = desk.control.reached(Phase::Over) => {}
    }
    let audit = Arc::clone(&desk.audit);
    let _ = spawn_blocking(move || audit.close()).await;
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn begin() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The first wish to end is graceful, the second immediate. A hang-up reads the configuration again.
    async fn heed(mut self, desk: Arc<Desk>) {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => desk.control.stop(),
                Some(()) = self.interrupt.recv() => desk.control.stop(),
                // Its outcome is logged, and shown in the status.
                Some(()) = self.hang_up.recv() => drop(desk.reload().await),
                else => return,
            }
        }
    }
}

/// Differs for each run; not a secret.
fn run_id() -> String {
    format!("{}-{:x}", std::process::id(), jiff::Timestamp::now().as_nanosecond())
}

fn fail(readiness: Readiness, refusal: &Refusal) -> ExitCode {
    tracing::error!(hint = refusal.hint, "{refusal}");
    readiness.failed(&refusal.sentence, &refusal.hint);
    ExitCode::FAILURE
}

fn cannot(what: &str, error: &std::io::Error) -> Refusal {
    Refusal::new(Reason::Internal, format!("{what}: {error}"), "check the limits of this user (`ulimit -a`)")
}

#[expect(clippy::needless_pass_by_value, reason = "the form of `map_err`")]
fn misplaced(error: PathError) -> Refusal {
    Refusal::new(Reason::Configuration, error.to_string(), error.hint())
}

impl From<InstanceError> for Refusal {
    fn from(error: InstanceError) -> Self {
        Self::new(Reason::Unavailable, error.to_string(), error.hint())
    }
}
