//! The broker: its parts, and how they are put together.

mod call;
mod report;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, OwnedRwLockReadGuard, Semaphore, watch};
use valetkey_protocol::{AuditRecord, Machine, MachineProof, Refusal};

use crate::{
    AuditSink, Clock, Doorbell, Identity, Pats, Random, Secrets, Settings,
    accounts::Accounts,
    audit,
    breaker::Breakers,
    callers::Callers,
    detours::{Detours, recalled},
    keys::{Moment, Table},
    ledger::Ledger,
    memory::Memory,
    pat::Making,
    quota::Quota,
    session::Sessions,
    together::SignIns,
};

/// Mints in the air for one tenant at a time.
const LANES: usize = 4;

/// The services a configuration leads to.
#[derive(Debug, Clone)]
pub struct Services {
    /// Sign-in.
    pub identity: Arc<dyn Identity>,
    /// Keys.
    pub pats: Arc<dyn Pats>,
}

/// Builds the services of a configuration, at start and at each reload.
pub trait Connect: std::fmt::Debug + Send + Sync {
    /// The services, or what is wrong with the configuration.
    fn connect(&self, settings: &Settings) -> Result<Services, Refusal>;

    /// Takes what this machine's identity is asked for with. Kept in memory.
    fn prove(&self, _proof: MachineProof) {}

    /// Forgets it.
    fn disprove(&self, _machine: &Machine) {}
}

/// What the broker is made of.
#[derive(Debug)]
pub struct Parts {
    /// Builds the services.
    pub connect: Box<dyn Connect>,
    /// Where secrets rest.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where audit lines go.
    pub audit: Arc<dyn AuditSink>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Calls people.
    pub doorbell: Arc<dyn Doorbell>,
    /// The state file. What may be lost is kept beside it.
    pub state_file: PathBuf,
    /// The ledger.
    pub ledger: PathBuf,
}

/// One configuration, and its services.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) settings: Settings,
    pub(crate) services: Services,
}

/// Permission to let a key out. While one is held, [`Broker::lock`] does not return.
#[derive(Debug)]
pub struct Pass {
    _guard: OwnedRwLockReadGuard<()>,
}

/// Keys, sessions and the ledger behind one door.
#[derive(Debug)]
pub struct Broker {
    live: RwLock<Arc<Live>>,
    connect: Box<dyn Connect>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sessions: Sessions,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) breakers: Breakers,
    table: Mutex<Table>,
    pub(crate) detours: Mutex<Detours>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) doorbell: Arc<dyn Doorbell>,
    pub(crate) callers: Mutex<Callers>,
    pub(crate) quota: Mutex<Quota>,
    /// Keys of an earlier run whose values were not read yet.
    to_load: Mutex<HashSet<String>>,
    /// Whether the first try to read them is over.
    pub(crate) loaded: watch::Sender<bool>,
    lanes: Mutex<HashMap<String, Arc<Semaphore>>>,
    pub(crate) gate: Arc<tokio::sync::RwLock<()>>,
    pub(crate) locked: AtomicBool,
    pub(crate) sign_ins: SignIns,
    pub(crate) tending: tokio::sync::Mutex<()>,
    pub(crate) wake: Notify,
    pub(crate) in_air: watch::Sender<usize>,
    pub(crate) stopping: AtomicBool,
    pub(crate) making: Making,
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
    /// Puts a broker together. Reads the state file; touches neither vault nor network.
    pub fn assemble(settings: Settings, parts: Parts) -> Result<Arc<Self>, Refusal> {
        let services = parts.connect.connect(&settings)?;
        let memory = Arc::new(Memory::load(parts.state_file.with_file_name("memory.json")));
        let accounts = Arc::new(Accounts::load(parts.state_file));
        let now = Moment { wall: parts.clock.now(), monotonic: parts.clock.monotonic() };
        let detours = recalled(&memory, &settings.service(), &accounts, now);
        Ok(Arc::new(Self {
            live: RwLock::new(Arc::new(Live { settings, services })),
            connect: parts.connect,
            sessions: Sessions::new(
                Arc::clone(&parts.secrets),
                Arc::clone(&parts.clock),
                Arc::clone(&memory),
            ),
            secrets: parts.secrets,
            clock: parts.clock,
            audit: parts.audit,
            random: parts.random,
            locked: AtomicBool::new(accounts.locked()),
            accounts,
            ledger: Arc::new(Ledger::at(parts.ledger)),
            breakers: Breakers::default(),
            table: Mutex::default(),
            detours: Mutex::new(detours),
            memory,
            doorbell: parts.doorbell,
            callers: Mutex::default(),
            quota: Mutex::default(),
            to_load: Mutex::default(),
            loaded: watch::Sender::new(true),
            lanes: Mutex::default(),
            gate: Arc::default(),
            making: Making::default(),
            sign_ins: SignIns::default(),
            tending: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            in_air: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Takes another configuration. One whose services cannot be built is refused and changes nothing.
    pub fn reconfigure(&self, settings: Settings) -> Result<(), Refusal> {
        let services = self.connect.connect(&settings)?;
        let moved = settings.service() != self.live().settings.service()
            || settings.hosts() != self.live().settings.hosts();
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Live { settings, services });
        self.breakers.clear();
        self.forget_detours();
        if moved {
            // Their ledger entries name the service they belong to and wait for it.
            self.table().take(|_| true);
        }
        Ok(())
    }

    /// Takes what this machine's identity is asked for with, for as long as the agent runs.
    pub fn take_proof(&self, proof: MachineProof) {
        self.connect.prove(proof);
    }

    pub(crate) fn drop_proof(&self, machine: &Machine) {
        self.connect.disprove(machine);
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        held(&self.table)
    }

    pub(crate) fn to_load(&self) -> MutexGuard<'_, HashSet<String>> {
        held(&self.to_load)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    pub(crate) fn record(&self, event: &str) -> AuditRecord {
        audit::record(&*self.clock, event)
    }

    /// Whether no key is handed out.
    pub fn is_locked(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }

    /// Permission to write a key to a client, or nothing where the broker is locked. Hold it until it is written.
    pub async fn pass(&self) -> Option<Pass> {
        let guard = Arc::clone(&self.gate).read_owned().await;
        (!self.is_locked()).then_some(Pass { _guard: guard })
    }

    pub(crate) fn lane(&self, tenant: &str) -> Arc<Semaphore> {
        Arc::clone(
            held(&self.lanes).entry(tenant.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(LANES))),
        )
    }

    pub(crate) fn jitter(&self) -> u8 {
        let mut byte = [0];
        let _ = self.random.fill(&mut byte);
        byte[0]
    }

    /// Changes the state file off the runtime's threads. A disk that refuses is told in [`Broker::warnings`].
    pub(crate) async fn change_accounts(
        &self,
        change: impl FnOnce(&mut crate::accounts::State) + Send + 'static,
    ) {
        let accounts = Arc::clone(&self.accounts);
        let _ = tokio::task::spawn_blocking(move || accounts.change(change).1).await;
    }

    /// Works on the ledger off the runtime's threads.
    pub(crate) async fn on_ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Option<T> {
        let ledger = Arc::clone(&self.ledger);
        tokio::task::spawn_blocking(move || work(&ledger)).await.ok()
    }

    /// Lets what is in the air land, for at most five seconds, and stores what could not be stored before.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake.notify_one();
        self.all_landed(Duration::from_secs(5)).await;
        self.sessions.save_again().await;
    }

    pub(crate) async fn all_landed(&self, at_most: Duration) {
        let mut in_air = self.in_air.subscribe();
        let _ = tokio::time::timeout(at_most, in_air.wait_for(|count| *count == 0)).await;
    }
}
