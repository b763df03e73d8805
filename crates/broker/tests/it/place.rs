use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use valetkey_broker::{
    AuditSink, Broker, Deps, Doorbell, Peer, Pending, Settings, Summons, SystemClock, SystemRandom,
};
use valetkey_emulator::{APP_MINT, Emulator, Options};
use valetkey_http::Http;
use valetkey_paths::Paths;
use valetkey_protocol::{
    Answer, AuditRecord, Credential, Event, ExposeSecret as _, Flow, GetRequest, LoginRequest, Operation,
    Refusal, Target,
};
use valetkey_vault::Vault;

fn feed_of(organisation: &str) -> String {
    format!("{organisation}/_packaging/shared/nuget/v3/index.json")
}

#[derive(Debug, Default)]
pub(crate) struct Trail(Mutex<Vec<AuditRecord>>);

impl AuditSink for Trail {
    fn record(&self, record: AuditRecord) {
        self.0.lock().expect("the trail").push(record);
    }
}

/// Nobody is at their desk.
#[derive(Debug)]
struct Nobody;

impl Doorbell for Nobody {
    fn ring(&self, _summons: Summons) -> Pending<'_, bool> {
        Box::pin(async { false })
    }

    fn has_terminal(&self, _pid: u32) -> bool {
        true
    }
}

impl Trail {
    pub(crate) fn events(&self) -> Vec<String> {
        self.0.lock().expect("the trail").iter().map(|record| record.event.clone()).collect()
    }
}

/// An emulator, and a folder and a vault that outlive brokers.
pub(crate) struct Place {
    pub(crate) emulator: Emulator,
    pub(crate) trail: Arc<Trail>,
    folder: tempfile::TempDir,
    vault: Vault,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let options = Options { sign_in_as: Some("alice".to_owned()), ..Options::default() };
        let place = Self {
            emulator: Emulator::start(options)?,
            trail: Arc::default(),
            folder: tempfile::tempdir()?,
            vault: Vault::memory(),
        };
        std::fs::create_dir_all(place.folder.path().join("state"))?;
        std::fs::write(place.folder.path().join("ca.pem"), place.emulator.ca_pem())?;
        Ok(place)
    }

    pub(crate) fn broker(&self) -> Result<Arc<Broker>> {
        let urls = self.emulator.urls();
        let settings = Settings {
            dev: urls.dev.parse()?,
            pkgs: urls.pkgs.parse()?,
            pats: urls.vssps.parse()?,
            authority: urls.login.clone(),
            client_id: Some(APP_MINT.to_owned()),
            machine: "laptop".to_owned(),
            ..Settings::default()
        };
        let http = Http::new(valetkey_http::Settings {
            proxy: Some(String::new()),
            ca_file: Some(self.folder.path().join("ca.pem")),
            total_timeout: Duration::from_secs(60),
            ..valetkey_http::Settings::default()
        });
        let deps = Deps {
            vault: self.vault.clone(),
            http,
            clock: Arc::new(SystemClock::default()),
            audit: Arc::clone(&self.trail) as _,
            paths: Paths::under(self.folder.path())?,
            random: Arc::new(SystemRandom),
            doorbell: Arc::new(Nobody),
        };
        Ok(Broker::new(settings, deps)?)
    }

    pub(crate) async fn signed_in(&self) -> Result<Arc<Broker>> {
        let broker = self.broker()?;
        match self.login(&broker, "contoso", Flow::Browser).await? {
            Answer::SignedIn { .. } => Ok(broker),
            other => bail!("not signed in: {other:?}"),
        }
    }

    /// Signs in and plays the person: opens the address, or types the code.
    pub(crate) async fn login(&self, broker: &Arc<Broker>, organisation: &str, flow: Flow) -> Result<Answer> {
        let request = LoginRequest {
            organisation: Some(organisation.to_owned()),
            tenant: None,
            client_id: None,
            flow,
            fresh: false,
            account: None,
            from: None,
        };
        let (events, mut seen) = mpsc::channel(8);
        let broker = Arc::clone(broker);
        let login = tokio::spawn(async move { broker.login(request, events, Peer::default()).await });
        while let Some(event) = seen.recv().await {
            match event {
                Event::Browser { url } => self.open(&url).await?,
                Event::DeviceCode { user_code, .. } => self.emulator.control().approve_device(&user_code)?,
                _ => {}
            }
        }
        Ok(login.await?)
    }

    fn browser(&self) -> Result<reqwest::Client> {
        let authority = reqwest::Certificate::from_pem(self.emulator.ca_pem().as_bytes())?;
        Ok(reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build()?)
    }

    async fn open(&self, url: &str) -> Result<()> {
        self.browser()?.get(url).send().await.context("the browser")?.error_for_status()?;
        Ok(())
    }

    pub(crate) async fn ask(
        &self,
        broker: &Arc<Broker>,
        organisation: &str,
        operation: Operation,
    ) -> Result<Credential, Refusal> {
        let path = format!("{organisation}/project/_git/repo");
        self.get(broker, &self.emulator.urls().dev, path, operation, None).await
    }

    /// Asks as the NuGet plugin does.
    pub(crate) async fn ask_for_feed(
        &self,
        broker: &Arc<Broker>,
        organisation: &str,
        operation: Operation,
        refused: Option<&Credential>,
    ) -> Result<Credential, Refusal> {
        let refused = refused.map(|key| key.state.clone());
        self.get(broker, &self.emulator.urls().pkgs, feed_of(organisation), operation, refused).await
    }

    /// What the feed's service index answers to a key.
    pub(crate) async fn index(&self, organisation: &str, key: &Credential) -> Result<u16> {
        let url = format!("{}/{}", self.emulator.urls().pkgs, feed_of(organisation));
        let request = self.browser()?.get(url).basic_auth(&key.username, Some(key.password.expose_secret()));
        Ok(request.send().await?.status().as_u16())
    }

    async fn get(
        &self,
        broker: &Arc<Broker>,
        base: &str,
        path: String,
        operation: Operation,
        refused: Option<String>,
    ) -> Result<Credential, Refusal> {
        let target = Target {
            protocol: "https".to_owned(),
            host: base.trim_start_matches("https://").to_owned(),
            path: Some(path),
            username: None,
        };
        let request = GetRequest {
            target,
            operation: Some(operation),
            refused,
            can_retry: false,
            challenges: Vec::new(),
            caller: None,
        };
        match broker.get(request, Peer::default()).await {
            Answer::Credential(credential) => Ok(credential),
            Answer::Refused(refusal) => Err(refusal),
            other => panic!("unexpected answer {other:?}"),
        }
    }

    /// No file and no audit line holds anything the services gave as a secret.
    pub(crate) fn check_nothing_leaked(&self) -> Result<()> {
        let mut text = format!("{:?}", self.trail);
        for file in std::fs::read_dir(self.folder.path().join("state"))? {
            text += &std::fs::read_to_string(file?.path())?;
        }
        let secrets = self.emulator.control().secrets();
        assert!(!secrets.is_empty() && text.contains("contoso"));
        for secret in secrets {
            assert!(!text.contains(&secret), "a secret of {} characters is in {text}", secret.len());
        }
        Ok(())
    }

    /// Scopes of the keys that open doors now.
    pub(crate) fn live(&self) -> Vec<String> {
        let mut live: Vec<_> = self.emulator.control().live_pats().into_iter().map(|pat| pat.scope).collect();
        live.sort();
        live
    }
}
