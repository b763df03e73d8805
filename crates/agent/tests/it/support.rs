//! A server with a fake behind it, and a client without manners.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use valetkey_agent::{Control, End, Ended, Instance, Limits, Peer, Rules, Server, Service};
use valetkey_protocol::{
    Answer, AuditRecord, ClientKind, Credential, Event, Flow, GetRequest, Hello, LoginRequest, Reason,
    Refusal, Request, SecretString, Target, Welcome, decode, encode,
};

/// No test waits longer for anything; none waits this long when it passes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("it takes for ever")
}

/// Answers `Get` when the gate is open, `Login` never, `Audit` with much, and panics on `Keys`.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) gate: watch::Sender<bool>,
    pub(crate) seen: watch::Sender<Seen>,
    pub(crate) rules: Mutex<Rules>,
    pub(crate) locked: watch::Sender<bool>,
    pub(crate) control: Control,
}

/// What became of requests.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) gets_begun: usize,
    pub(crate) gets_done: usize,
    pub(crate) logins_cancelled: usize,
    pub(crate) peers: Vec<Peer>,
}

impl Fake {
    pub(crate) async fn until(&self, holds: impl Fn(&Seen) -> bool) -> Seen {
        within(self.seen.subscribe().wait_for(|seen| holds(seen))).await.expect("the fake lives").clone()
    }

    async fn get(&self) -> Answer {
        self.seen.send_modify(|seen| seen.gets_begun += 1);
        self.gate.subscribe().wait_for(|open| *open).await.expect("the fake lives");
        self.seen.send_modify(|seen| seen.gets_done += 1);
        Answer::Credential(Credential {
            username: "valetkey".into(),
            password: SecretString::from("canary"),
            expires_at: 1,
            key: "k".into(),
            scope: "vso.code".into(),
            organisation: "contoso".into(),
            state: "s".into(),
            may_retry: false,
            fresh: true,
            notice: None,
        })
    }

    async fn login(&self, events: mpsc::Sender<Event>) -> Answer {
        let event = Event::Progress { sentence: "waiting".into() };
        let _ = events.send(event).await;
        events.closed().await;
        self.seen.send_modify(|seen| seen.logins_cancelled += 1);
        Answer::Refused(Refusal::new(Reason::SignInAbandoned, "abandoned", ""))
    }
}

impl Service for Fake {
    type Hold = ();

    async fn answer(&self, request: Request, peer: Peer, events: mpsc::Sender<Event>) -> Answer {
        self.seen.send_modify(|seen| seen.peers.push(peer));
        match request {
            Request::Ping => Answer::Done,
            Request::Get(_) => self.get().await,
            Request::Login(_) => self.login(events).await,
            Request::Audit { limit } => {
                let record = AuditRecord { note: "x".repeat(1000), ..AuditRecord::default() };
                Answer::Audit { records: vec![record; limit as usize] }
            }
            Request::Keys => panic!("canary"),
            Request::Stop => {
                self.control.stop();
                Answer::Done
            }
            _ => Answer::Refused(Refusal::new(Reason::VersionMismatch, "not known", "")),
        }
    }

    async fn let_out(&self, answer: Answer) -> (Answer, Option<()>) {
        if matches!(answer, Answer::Credential(_)) && *self.locked.borrow() {
            return (Answer::Refused(Refusal::new(Reason::Locked, "locked", "")), None);
        }
        (answer, Some(()))
    }

    fn rules(&self) -> Rules {
        *self.rules.lock().expect("nobody panics with it")
    }

    fn turned_away(&self, _: &Peer, _: &Refusal) {}
}

/// A running server.
pub(crate) struct Agent {
    pub(crate) folder: TempDir,
    pub(crate) fake: Arc<Fake>,
    pub(crate) control: Control,
    server: JoinHandle<End>,
}

impl Agent {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::with(limits, None)
    }

    pub(crate) fn with(limits: Limits, idle_exit: Option<Duration>) -> Self {
        Self::again(tempfile::tempdir().expect("a folder"), limits, idle_exit)
    }

    pub(crate) fn again(folder: TempDir, limits: Limits, idle_exit: Option<Duration>) -> Self {
        let control = Control::default();
        let fake = Arc::new(Fake {
            gate: watch::Sender::new(true),
            seen: watch::Sender::default(),
            rules: Mutex::new(Rules { allow_root: false, idle_exit }),
            locked: watch::Sender::new(false),
            control: control.clone(),
        });
        // Tests of this program start others: between `fork` and `exec` such a child shares every lock, also one that
        // was just given back.
        let instance = Instance::claim(&lock(&folder), &socket(&folder), BOUND).expect("the only one");
        let service = Arc::clone(&fake);
        let server =
            Server::bind(instance, service, limits, control.clone(), "run-1".into()).expect("a free place");
        Self { folder, fake, control, server: tokio::spawn(server.run()) }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    pub(crate) fn lock(&self) -> PathBuf {
        lock(&self.folder)
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(UnixStream::connect(self.socket()).await.expect("it listens"))
    }

    /// A client that has said hello.
    pub(crate) async fn client(&self) -> Client {
        let mut client = self.connect().await;
        let Some(Welcome::Ready { .. }) = client.greet().await else { panic!("not welcome") };
        client
    }

    pub(crate) async fn ended(self) -> (TempDir, Ended) {
        let end = within(self.server).await.expect("no panic");
        (self.folder, end.why)
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("run/agent.sock")
}

fn lock(folder: &TempDir) -> PathBuf {
    folder.path().join("state/agent.lock")
}

/// One end of a connection.
pub(crate) struct Client(pub(crate) UnixStream);

impl Client {
    pub(crate) async fn greet(&mut self) -> Option<Welcome> {
        self.tell(&Hello::new(ClientKind::Cli)).await;
        self.hear().await
    }

    pub(crate) async fn ask(&mut self, request: &Request) -> Option<Answer> {
        self.tell(request).await;
        self.hear().await
    }

    pub(crate) async fn tell<T: Serialize>(&mut self, value: &T) {
        self.raw(&encode(value).expect("small")).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        // The other side may have hung up, which the test sees by what it reads.
        let _ = self.0.write_all(bytes).await;
    }

    /// The next frame; nothing at the end of the connection.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut head = [0; 4];
        within(self.0.read_exact(&mut head)).await.ok()?;
        let mut body = vec![0; u32::from_be_bytes(head) as usize];
        within(self.0.read_exact(&mut body)).await.ok()?;
        Some(decode(&body).expect("the agent speaks the protocol"))
    }

    pub(crate) async fn refused(&mut self) -> Reason {
        match self.hear::<Answer>().await {
            Some(Answer::Refused(refusal)) => refusal.reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Whether the agent has hung up without another byte.
    pub(crate) async fn is_over(&mut self) -> bool {
        let mut byte = [0];
        !matches!(within(self.0.read(&mut byte)).await, Ok(1..))
    }
}

pub(crate) fn get() -> Request {
    let target =
        Target { protocol: "https".into(), host: "dev.azure.com".into(), path: None, username: None };
    Request::Get(GetRequest {
        target,
        operation: None,
        refused: None,
        can_retry: false,
        challenges: Vec::new(),
        caller: None,
    })
}

pub(crate) fn login() -> Request {
    Request::Login(LoginRequest {
        organisation: None,
        tenant: None,
        client_id: None,
        flow: Flow::Browser,
        fresh: false,
        account: None,
        from: None,
    })
}
