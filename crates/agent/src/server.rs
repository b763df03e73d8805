//! Accepting: who comes in, when the agent ends, and whether it can still be found.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout},
};
use valetkey_protocol::{ClientKind, Refusal};

use crate::{
    authorise::authorise,
    connection::{Shared, serve, shutting_down, turn_away},
    control::{Control, Phase},
    instance::{Instance, InstanceError},
    limits::Limits,
    registry::Registry,
    service::{Peer, Service},
    transport::{Listener, Stream, credentials},
    watch::Watch,
};

/// Why the agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// Nobody had been connected for as long as the rules say.
    Idle,
    /// Its folder was taken away and another agent has begun, or none can.
    Displaced,
}

/// The listening agent.
#[derive(Debug)]
pub struct Server<S> {
    shared: Arc<Shared<S>>,
    instance: Instance,
    listener: Listener,
    watch: Watch,
    shedding: Arc<Semaphore>,
    own_uid: u32,
}

/// The agent has ended.
#[derive(Debug)]
pub struct End {
    /// Why.
    pub why: Ended,
    /// The right to be the agent. Once it is dropped, another may begin.
    pub instance: Instance,
}

impl<S: Service> Server<S> {
    /// Listens under the lock. `id` differs for each run; clients see it in the welcome. To be called on a runtime.
    pub fn bind(
        instance: Instance,
        service: Arc<S>,
        limits: Limits,
        control: Control,
        id: String,
    ) -> Result<Self, InstanceError> {
        let listener = instance.listen()?;
        let shared = Shared { service, limits, registry: Registry::new(limits), control, instance: id };
        Ok(Self {
            shared: Arc::new(shared),
            watch: Watch::on(listener.folder()),
            instance,
            listener,
            shedding: Arc::new(Semaphore::new(limits.shedding)),
            own_uid: rustix::process::geteuid().as_raw(),
        })
    }

    /// Serves until told to stop, until idle, or until displaced. When it returns, the socket is gone and every client
    /// was answered or refused.
    pub async fn run(mut self) -> End {
        let limits = self.shared.limits;
        let mut check = interval_at(Instant::now() + limits.self_check, limits.self_check);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let rules = self.shared.service.rules();
            let event = tokio::select! {
                biased;
                () = self.shared.control.reached(Phase::Draining) => Event::Stop,
                accepted = self.listener.accept() => Event::Came(accepted),
                _ = check.tick() => Event::Check,
                () = self.watch.disturbed() => Event::Check,
                () = idle(rules.idle_exit, self.shared.registry.quiet_since()) => Event::Idle,
                () = self.shared.registry.changed() => continue,
            };
            let end = match event {
                Event::Stop => Some(Ended::Stopped),
                Event::Came(stream) => self.accepted(stream).await,
                Event::Check => self.stay_in_place(),
                Event::Idle => self.end_if_idle(),
            };
            if let Some(why) = end {
                return self.finish(why).await;
            }
        }
    }

    async fn accepted(&self, stream: io::Result<Stream>) -> Option<Ended> {
        match stream {
            Ok(stream) => self.came(stream),
            Err(error) => {
                // Out of descriptors or memory: the client stays in the backlog, and trying again at once would only
                // burn the processor.
                tracing::warn!("a connection cannot be accepted: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
        None
    }

    fn came(&self, stream: Stream) {
        let Ok(from) = credentials(&stream) else { return };
        let exe = executable(from.pid);
        let peer = Peer { pid: from.pid, uid: from.uid, exe, client: ClientKind::Unknown };
        if let Err(refusal) = authorise(from.uid, self.own_uid, self.shared.service.rules().allow_root) {
            // Not a byte for a stranger.
            self.shared.service.turned_away(&peer, &refusal);
            return;
        }
        match self.shared.registry.admit(from.pid) {
            Ok(ticket) => drop(tokio::spawn(serve(stream, peer, ticket, Arc::clone(&self.shared)))),
            Err(refusal) => self.shed(stream, refusal),
        }
    }

    fn shed(&self, stream: Stream, refusal: Refusal) {
        let Ok(permit) = Arc::clone(&self.shedding).try_acquire_owned() else { return };
        let limits = self.shared.limits;
        tokio::spawn(async move {
            turn_away(stream, refusal, limits).await;
            drop(permit);
        });
    }

    /// Clients search for the agent by a name. If that name was taken away, the agent listens there again, unless
    /// another one has begun meanwhile.
    fn stay_in_place(&mut self) -> Option<Ended> {
        if self.instance.holds() && self.listener.is_found() {
            return None;
        }
        tracing::warn!("the socket, the lock or their folder was removed or replaced");
        let again = if self.instance.holds() { Ok(()) } else { self.instance.renew() };
        self.listen_anew(again)
    }

    /// Ends unless somebody connects at this very moment: then it listens anew and goes on. The lock is held
    /// throughout, so that no second agent begins in between.
    fn end_if_idle(&mut self) -> Option<Ended> {
        self.shared.registry.quiet_since()?;
        let late = self.listener.close();
        if late.is_empty() {
            return Some(Ended::Idle);
        }
        let ended = self.listen_anew(Ok(()));
        for stream in late {
            self.came(stream);
        }
        ended
    }

    fn listen_anew(&mut self, before: Result<(), InstanceError>) -> Option<Ended> {
        match before.and_then(|()| self.instance.listen()) {
            Ok(listener) => {
                self.watch = Watch::on(listener.folder());
                for stream in std::mem::replace(&mut self.listener, listener).close() {
                    self.came(stream);
                }
                None
            }
            Err(error) => {
                tracing::warn!("ending: {error}");
                Some(Ended::Displaced)
            }
        }
    }

    async fn finish(mut self, why: Ended) -> End {
        let Shared { limits, registry, control, .. } = &*self.shared;
        let end = End { why, instance: self.instance };
        control.advance(Phase::Draining);
        let mut leaving = tokio::task::JoinSet::new();
        for stream in self.listener.close() {
            leaving.spawn(turn_away(stream, shutting_down(), *limits));
        }
        let drained = async {
            registry.quiet().await;
            while leaving.join_next().await.is_some() {}
        };
        tokio::select! {
            biased;
            () = drained => return end,
            () = sleep(limits.grace) => tracing::warn!("requests in flight are given up"),
            () = control.reached(Phase::Over) => tracing::warn!("told to end at once"),
        }
        control.advance(Phase::Over);
        // Connections notice at once; this bounds only how long a client may take to read the refusal.
        let _ = timeout(Duration::from_millis(500), registry.quiet()).await;
        end
    }
}

enum Event {
    Stop,
    Came(io::Result<Stream>),
    Check,
    Idle,
}

async fn idle(after: Option<Duration>, quiet_since: Option<Instant>) {
    match (after, quiet_since) {
        (Some(after), Some(since)) => sleep_until(since + after).await,
        _ => std::future::pending().await,
    }
}

fn executable(pid: u32) -> String {
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    valetkey_protocol::shown(&link.to_string_lossy())
}
