//! Who is connected, and what is in flight.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};
use valetkey_protocol::{Reason, Refusal};

use crate::limits::Limits;

/// Connections and requests of the whole agent.
#[derive(Debug)]
pub(crate) struct Registry {
    limits: Limits,
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug)]
struct Table {
    next: u64,
    connections: BTreeMap<u64, Connection>,
    per_process: HashMap<u32, usize>,
    in_flight: usize,
    quiet_since: Option<Instant>,
}

#[derive(Debug)]
struct Connection {
    pid: u32,
    waiting: bool,
    evict: Arc<Notify>,
}

impl Registry {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        let table = Table {
            next: 0,
            connections: BTreeMap::new(),
            per_process: HashMap::new(),
            in_flight: 0,
            quiet_since: Some(Instant::now()),
        };
        Arc::new(Self { limits, table: Mutex::new(table), changed: Notify::new() })
    }

    /// Room for one more connection. Where all are taken, the one that has been waiting for its client the longest
    /// makes room: a crowd of silent clients does not shut out one that speaks.
    pub(crate) fn admit(self: &Arc<Self>, pid: u32) -> Result<Ticket, Refusal> {
        let mut table = self.lock();
        if pid != 0 && table.per_process.get(&pid).is_some_and(|count| *count >= self.limits.per_process) {
            return Err(busy("one process has too many connections to the agent"));
        }
        if table.connections.len() >= self.limits.connections {
            let oldest = table.connections.iter().find(|(_, it)| it.waiting).map(|(id, _)| *id);
            let Some(oldest) = oldest else { return Err(busy("the agent has too many connections")) };
            table.remove(oldest).evict.notify_one();
        }
        let id = table.next;
        table.next += 1;
        let evict = Arc::new(Notify::new());
        table.connections.insert(id, Connection { pid, waiting: true, evict: Arc::clone(&evict) });
        *table.per_process.entry(pid).or_default() += 1;
        table.note_quiet();
        Ok(Ticket { registry: Arc::clone(self), id, evict })
    }

    /// A request begins; it ends when the guard is dropped, which may be after its connection has.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        let mut table = self.lock();
        table.in_flight += 1;
        table.note_quiet();
        InFlight(Arc::clone(self))
    }

    /// Since when there has been neither a connection nor a request.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        self.lock().quiet_since
    }

    /// Returns when it has become quiet, perhaps for a moment only.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns once there is neither a connection nor a request.
    pub(crate) async fn quiet(&self) {
        while self.quiet_since().is_none() {
            self.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Table)) {
        let mut table = self.lock();
        change(&mut table);
        table.note_quiet();
        let quiet = table.quiet_since.is_some();
        drop(table);
        // Nobody else is woken while a client waits for its answer.
        if quiet {
            self.changed.notify_one();
        }
    }
}

impl Table {
    fn remove(&mut self, id: u64) -> Connection {
        let gone = self.connections.remove(&id).expect("removed once");
        if let Some(count) = self.per_process.get_mut(&gone.pid) {
            *count -= 1;
            if *count == 0 {
                self.per_process.remove(&gone.pid);
            }
        }
        gone
    }

    fn note_quiet(&mut self) {
        let quiet = self.connections.is_empty() && self.in_flight == 0;
        self.quiet_since = quiet.then(|| self.quiet_since.unwrap_or_else(Instant::now));
    }
}

/// A place among the connections.
#[derive(Debug)]
pub(crate) struct Ticket {
    registry: Arc<Registry>,
    id: u64,
    evict: Arc<Notify>,
}

impl Ticket {
    /// Whether the agent waits for the client, and may prefer another one.
    pub(crate) fn waiting(&self, waiting: bool) {
        if let Some(connection) = self.registry.lock().connections.get_mut(&self.id) {
            connection.waiting = waiting;
        }
    }

    /// Returns when the place was given to another.
    pub(crate) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.registry.update(|table| {
            if table.connections.contains_key(&self.id) {
                table.remove(self.id);
            }
        });
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Registry>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.update(|table| table.in_flight -= 1);
    }
}

/// The refusal of a client there is no room for.
pub(crate) fn busy(sentence: &str) -> Refusal {
    Refusal::new(Reason::Busy, sentence, "try again").retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(connections: usize, per_process: usize) -> Arc<Registry> {
        Registry::new(Limits { connections, per_process, ..Limits::default() })
    }

    #[test]
    fn the_longest_waiting_connection_makes_room() {
        let registry = registry(2, 9);
        let busy_one = registry.admit(1).unwrap();
        busy_one.waiting(false);
        let silent = registry.admit(2).unwrap();
        let third = registry.admit(3).unwrap();
        third.waiting(false);
        assert!(!registry.lock().per_process.contains_key(&2));
        let refused = registry.admit(4).unwrap_err();
        assert_eq!((refused.reason, refused.retry_after), (Reason::Busy, Some(1)));
        drop(silent);
        assert_eq!(registry.lock().connections.len(), 2);
        drop(busy_one);
        registry.admit(4).unwrap();
    }

    #[test]
    fn one_process_cannot_take_all() {
        let registry = registry(100, 3);
        let held: Vec<_> = (0..3).map(|_| registry.admit(7).unwrap()).collect();
        assert_eq!(registry.admit(7).unwrap_err().reason, Reason::Busy);
        registry.admit(8).unwrap();
        drop(held);
        registry.admit(7).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_counts_from_the_last_end() {
        let registry = registry(9, 9);
        let ticket = registry.admit(1).unwrap();
        let request = registry.begin();
        drop(ticket);
        assert_eq!(registry.quiet_since(), None);
        tokio::time::advance(std::time::Duration::from_secs(7)).await;
        drop(request);
        let since = registry.quiet_since().unwrap();
        drop(registry.admit(1).unwrap());
        assert_eq!(registry.quiet_since(), Some(since), "no time has passed");
        tokio::time::advance(std::time::Duration::from_secs(7)).await;
        drop(registry.admit(1).unwrap());
        assert!(registry.quiet_since().unwrap() > since, "a visit starts it anew");
    }
}
