//! A broker in its world, and questions to it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64},
    },
    time::Duration,
};

use valetkey_protocol::{
    Answer, Caller, Credential, Flow, GetRequest, LoginRequest, Operation, Refusal, Target,
};

use super::*;
use crate::{Broker, Connect, OrganisationTenant, Parts, Peer, Services, Settings};

#[derive(Debug)]
struct FakeConnect(Services);

impl Connect for FakeConnect {
    fn connect(&self, _settings: &Settings) -> Result<Services, Refusal> {
        Ok(self.0.clone())
    }
}

/// Everything outside the broker. It stays while brokers come and go.
pub(in crate::tests) struct World {
    pub(in crate::tests) folder: tempfile::TempDir,
    pub(in crate::tests) clock: Arc<HandClock>,
    pub(in crate::tests) pats: Arc<FakePats>,
    pub(in crate::tests) identity: Arc<FakeIdentity>,
    pub(in crate::tests) vault: Arc<FakeVault>,
    pub(in crate::tests) trail: Arc<Trail>,
    pub(in crate::tests) bell: Arc<Bell>,
    random: Arc<Counter>,
    pub(in crate::tests) settings: Settings,
}

impl World {
    pub(in crate::tests) fn new() -> Self {
        let clock = Arc::new(HandClock { wall: AtomicU64::new(START), monotonic: AtomicU64::new(1000) });
        let pats = FakePats {
            keys: Mutex::default(),
            creates: AtomicU32::new(0),
            revokes: AtomicU32::new(0),
            lists: AtomicU32::new(0),
            mood: Mutex::default(),
            revoke_fails: Mutex::default(),
            list_fails: Mutex::default(),
            update_fails: Mutex::default(),
            sessions: AtomicU32::new(0),
            session_fails: Mutex::default(),
            recognised: Mutex::default(),
            recognises_not: Mutex::default(),
            longest: AtomicU64::new(365 * 24 * HOUR),
            takes: Mutex::new(Duration::from_millis(300)),
            tenant: Mutex::new(OrganisationTenant::Tenant("home".to_owned())),
            wants: Mutex::default(),
            clock: Arc::clone(&clock),
        };
        let identity = FakeIdentity::default();
        identity
            .granted
            .lock()
            .unwrap()
            .extend(["res/vso.pats".to_owned(), "res/vso.pats_manage".to_owned()]);
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock,
            pats: Arc::new(pats),
            identity: Arc::new(identity),
            vault: Arc::default(),
            trail: Arc::default(),
            bell: Arc::default(),
            random: Arc::default(),
            settings: Settings {
                client_id: Some("client".to_owned()),
                machine: "laptop".to_owned(),
                session_tokens: false,
                ..Settings::default()
            },
        }
    }

    /// A broker that was not started: nothing tends in the background.
    pub(in crate::tests) fn broker(&self) -> Arc<Broker> {
        let services = Services { identity: self.identity.clone(), pats: self.pats.clone() };
        let parts = Parts {
            connect: Box::new(FakeConnect(services)),
            secrets: self.vault.clone(),
            clock: self.clock.clone(),
            audit: self.trail.clone(),
            random: self.random.clone(),
            doorbell: self.bell.clone(),
            state_file: self.folder.path().join("state.json"),
            ledger: self.folder.path().join("ledger"),
        };
        Broker::assemble(self.settings.clone(), parts).unwrap()
    }

    /// A broker with Alice signed in for contoso.
    pub(in crate::tests) async fn signed_in(&self) -> Arc<Broker> {
        let broker = self.broker();
        assert!(matches!(login(&broker, Some("contoso")).await, Answer::SignedIn { .. }));
        broker
    }

    /// What a start does, awaited: the ledger is read and one round of tending is over.
    pub(in crate::tests) async fn restarted(&self) -> Arc<Broker> {
        let broker = self.broker();
        broker.start().await;
        broker.tend().await;
        broker
    }
}

pub(in crate::tests) fn login_request(organisation: Option<&str>) -> LoginRequest {
    LoginRequest {
        organisation: organisation.map(str::to_owned),
        tenant: None,
        client_id: None,
        flow: Flow::Browser,
        fresh: false,
        account: None,
        from: None,
    }
}

pub(in crate::tests) async fn login(broker: &Arc<Broker>, organisation: Option<&str>) -> Answer {
    let (events, mut seen) = tokio::sync::mpsc::channel(8);
    let drain = tokio::spawn(async move { while seen.recv().await.is_some() {} });
    let answer = broker.login(login_request(organisation), events, Peer::default()).await;
    drain.await.unwrap();
    answer
}

pub(in crate::tests) fn question(organisation: &str, operation: Option<Operation>) -> GetRequest {
    GetRequest {
        target: Target {
            protocol: "https".to_owned(),
            host: "dev.azure.com".to_owned(),
            path: Some(format!("{organisation}/project/_git/repo")),
            username: None,
        },
        operation,
        refused: None,
        can_retry: false,
        challenges: Vec::new(),
        caller: None,
    }
}

/// A question as the NuGet plugin asks it.
pub(in crate::tests) fn restore(organisation: &str, refused: Option<&Credential>) -> GetRequest {
    let mut question = question(organisation, Some(Operation::Read));
    question.target.host = "pkgs.dev.azure.com".to_owned();
    question.target.path = Some(format!("{organisation}/Proj \u{e9}/_packaging/f1/nuget/v3/index.json"));
    question.refused = refused.map(|credential| credential.state.clone());
    question
}

pub(in crate::tests) fn again(mut question: GetRequest, refused: &Credential, pid: u32) -> GetRequest {
    question.refused = Some(refused.state.clone());
    question.can_retry = true;
    question.caller = Some(Caller { pid, started: 1 });
    question
}

pub(in crate::tests) async fn ask(broker: &Arc<Broker>, question: GetRequest) -> Result<Credential, Refusal> {
    match broker.get(question, Peer::default()).await {
        Answer::Credential(credential) => Ok(credential),
        Answer::Refused(refusal) => Err(refusal),
        other => panic!("unexpected answer {other:?}"),
    }
}

pub(in crate::tests) async fn read(broker: &Arc<Broker>) -> Result<Credential, Refusal> {
    ask(broker, question("contoso", Some(Operation::Read))).await
}
