//! What answers requests in the real agent: the broker, the audit trail, the configuration, and the agent itself.

use std::{sync::Arc, time::Instant};

use tokio::{sync::mpsc, task::spawn_blocking};
use valetkey_broker::{Broker, Pass};
use valetkey_http::Http;
use valetkey_protocol::{
    Answer, AuditRecord, ClientKind, Event, ExposeSecret as _, Reason, Refusal, Request, StatusReport,
};
use valetkey_vault::Vault;

use crate::{
    audit::Audit,
    compose::settings,
    configuration::Live,
    control::Control,
    nuget::NugetDesk,
    service::{Peer, Rules, Service},
};

/// The agent behind its socket.
#[derive(Debug)]
pub struct Desk {
    /// Keys and sessions.
    pub broker: Arc<Broker>,
    /// Keys of nuget.org.
    pub nuget: Arc<NugetDesk>,
    /// The way out.
    pub http: Http,
    /// Asked for its state only.
    pub vault: Vault,
    /// The audit trail.
    pub audit: Arc<Audit>,
    /// The configuration.
    pub configuration: Arc<Live>,
    /// To end by.
    pub control: Control,
    /// When the agent began.
    pub since: Instant,
}

impl Desk {
    /// Reads the configuration again. A bad one is refused, and what held goes on holding.
    pub async fn reload(&self) -> Result<(), Refusal> {
        let (configuration, broker) = (Arc::clone(&self.configuration), Arc::clone(&self.broker));
        let reload = move || configuration.reload(|it| broker.reconfigure(settings(it)));
        let reloaded = spawn_blocking(reload).await.unwrap_or_else(|_| Err(refused_internally()));
        match &reloaded {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(refusal) => tracing::warn!("the configuration is not used: {refusal}"),
        }
        reloaded
    }

    /// Finds out in the background whether the vault can be used, so that the status tells before anyone needs it.
    pub(crate) fn probe_vault(&self) {
        let vault = self.vault.clone();
        // Its outcome is in the vault's status.
        drop(spawn_blocking(move || vault.probe()));
    }

    async fn status(&self) -> StatusReport {
        let mut warnings = self.broker.warnings();
        warnings.extend(self.nuget.warnings().await);
        if let Some(problem) = self.configuration.problem() {
            warnings.push(format!("the configuration was changed and is not used: {}", problem.sentence));
        }
        if self.configuration.needs_restart() {
            let waiting = "`[network]` or `[vault]` was changed: run `valetkey agent restart` to use it";
            warnings.push(waiting.to_owned());
        }
        match self.audit.lost() {
            0 => {}
            lost => warnings.push(format!("{lost} lines of the audit trail could not be written")),
        }
        StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime: self.since.elapsed().as_secs(),
            locked: self.broker.is_locked(),
            accounts: self.broker.accounts(),
            keys: self.broker.keys(),
            vault: self.vault.status(),
            detours: self.broker.detours(),
            to_revoke: self.broker.to_revoke(),
            audit_lost: self.audit.lost(),
            warnings,
        }
    }

    async fn newest(&self, limit: u32) -> Answer {
        let audit = Arc::clone(&self.audit);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let records = spawn_blocking(move || audit.newest(limit)).await;
        records.map_or_else(|_| Answer::Refused(refused_internally()), |records| Answer::Audit { records })
    }
}

/// Held while a key is written to a client; what was done is put on the audit trail then.
#[derive(Debug)]
pub struct Hold {
    _pass: Option<Pass>,
    audit: Arc<Audit>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.audit.pass_on();
    }
}

impl Service for Desk {
    type Hold = Hold;

    async fn answer(&self, request: Request, peer: Peer, events: mpsc::Sender<Event>) -> Answer {
        let broker = &self.broker;
        if let Request::NugetOrg(request) = request {
            return self.nuget.answer(request, peer, broker.is_locked()).await;
        }
        if matches!(request, Request::Pat(_)) && peer.client != ClientKind::Cli {
            return Answer::Refused(for_people(&peer, &self.audit));
        }
        let is_read = matches!(peer.client, ClientKind::Git | ClientKind::Nuget);
        let peer = valetkey_broker::Peer { pid: peer.pid, uid: peer.uid, exe: peer.exe, is_read };
        match request {
            Request::Ping => Answer::Done,
            Request::Get(get) => broker.get(get, peer).await,
            Request::Erase(erase) => broker.erase(&erase, &peer),
            Request::Login(login) => broker.login(login, events, peer).await,
            Request::Logout(logout) => broker.logout(&logout, &peer).await,
            Request::UseAccount(choice) => broker.use_account(&choice, &peer).await,
            Request::Status => Answer::Status(Box::new(self.status().await)),
            Request::Keys => Answer::Keys { keys: broker.keys() },
            Request::Revoke { which } => broker.revoke(&which, &peer).await,
            Request::Lock { revoke } => broker.lock(revoke, &peer).await,
            Request::Unlock { passphrase } => broker.unlock(passphrase, &peer).await,
            Request::Pat(pat) => broker.pat(pat, &peer).await,
            Request::Audit { limit } => self.newest(limit).await,
            Request::ProxyCredentials(lent) => {
                let (username, password) = (lent.username.expose_secret(), lent.password.expose_secret());
                if self.http.lend_to_proxy(username, password) {
                    broker.proxy_may_open();
                }
                Answer::Done
            }
            Request::MachineProof(proof) => {
                broker.take_proof(proof);
                Answer::Done
            }
            Request::Reload => self.reload().await.map_or_else(Answer::Refused, |()| Answer::Done),
            Request::Stop => {
                self.control.stop();
                Answer::Done
            }
            _ => Answer::Refused(Refusal::new(
                Reason::VersionMismatch,
                "the running agent does not know this request",
                "run `valetkey agent restart`",
            )),
        }
    }

    /// A key leaves only under the broker's pass, so that none is given after a lock has been answered.
    async fn let_out(&self, answer: Answer) -> (Answer, Option<Hold>) {
        if !matches!(answer, Answer::Credential(_) | Answer::NugetKey(_) | Answer::PatValue(_)) {
            return (answer, None);
        }
        let pass = self.broker.pass().await;
        let locked = || Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`");
        let answer = if pass.is_some() { answer } else { Answer::Refused(locked()) };
        (answer, Some(Hold { _pass: pass, audit: Arc::clone(&self.audit) }))
    }

    fn rules(&self) -> Rules {
        let agent = self.configuration.current().agent;
        Rules { allow_root: agent.allow_root, idle_exit: agent.idle_exit }
    }

    fn turned_away(&self, peer: &Peer, refusal: &Refusal) {
        tracing::warn!(pid = peer.pid, uid = peer.uid, exe = peer.exe, "turned away: {refusal}");
        self.audit.record(AuditRecord {
            event: "turned-away".to_owned(),
            peer: peer.line(),
            note: format!("not-permitted: {}", refusal.sentence),
            ..AuditRecord::default()
        });
    }
}

/// Programs get keys for their job; tokens of the person are for whoever types `valetkey`.
fn for_people(peer: &Peer, audit: &Audit) -> Refusal {
    let refusal = Refusal::new(
        Reason::NotPermitted,
        "personal access tokens are handled by `valetkey` only",
        "run `valetkey pat`",
    );
    audit.record(AuditRecord {
        event: "refused".to_owned(),
        peer: peer.line(),
        note: format!("not-permitted: {}", refusal.sentence),
        ..AuditRecord::default()
    });
    refusal
}

pub(crate) fn refused_internally() -> Refusal {
    Refusal::new(Reason::Internal, "the agent failed on this request", "run `valetkey agent restart`")
}
