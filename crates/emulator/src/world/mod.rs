//! The emulated tenants, people, organisations and everything issued to them.

mod organisation;
mod pat;
mod people;
mod seed;
mod token;

use std::collections::BTreeMap;

pub(crate) use organisation::{Organisation, Policy, Restriction};
pub(crate) use pat::Pat;
pub use people::UserState;
pub(crate) use people::{App, Platform, User};
pub use seed::{
    APP_CONFIDENTIAL, APP_LEGACY, APP_LEND, APP_MINT, APP_READ, APP_SPA, APP_VISUAL_STUDIO, MANAGED_IDENTITY,
    TENANT_HOME, TENANT_RESOURCE, TENANT_ZERO,
};
pub(crate) use seed::{RESOURCE, TENANT_CONSUMERS, tenant_domain};
pub(crate) use token::{
    AccessToken, AuthorizationCode, DeviceCode, DeviceState, PendingSignIn, RefreshToken, SignIn,
};

use crate::{
    certificate::Certificate,
    clock::{Clock, Time},
    fault::FaultRule,
    feeds::{self, Feed},
    gallery::Gallery,
    host::{Host, Urls},
    journal::Journal,
    machines::Machines,
    oidc::Oidc,
    options::ClockMode,
    random::Random,
    switches::Switches,
};

/// Everything that changes while the emulator runs.
pub(crate) struct World {
    seed: u64,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) switches: Switches,
    pub(crate) urls: Urls,
    pub(crate) sign_in_as: Option<String>,
    /// Access tokens of applications must have been asked for with these claims.
    pub(crate) required_of_applications: Option<String>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) apps: Vec<App>,
    pub(crate) organisations: BTreeMap<String, Organisation>,
    pub(crate) pending: BTreeMap<String, PendingSignIn>,
    pub(crate) codes: BTreeMap<String, AuthorizationCode>,
    pub(crate) devices: BTreeMap<String, DeviceCode>,
    pub(crate) access_tokens: BTreeMap<String, AccessToken>,
    pub(crate) refresh_tokens: BTreeMap<String, RefreshToken>,
    pub(crate) pats: Vec<Pat>,
    /// Continuation tokens given out, each with the filters it belongs to and where it goes on.
    pub(crate) pages: BTreeMap<String, (String, usize)>,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) gallery: Gallery,
    pub(crate) oidc: Oidc,
    pub(crate) machines: Machines,
    pub(crate) faults: Vec<FaultRule>,
    /// Hosts that show something else than a good certificate.
    pub(crate) certificates: BTreeMap<Host, Certificate>,
    pub(crate) journal: Journal,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        clock: ClockMode,
        switches: Switches,
        urls: Urls,
        sign_in_as: Option<String>,
    ) -> Self {
        let mut random = Random::new(seed);
        let users = seed::users(&mut random);
        let organisations = seed::organisations(&mut random);
        let feeds = feeds::seed(&organisations);
        Self {
            seed,
            clock: Clock::new(clock),
            random,
            switches,
            urls,
            sign_in_as,
            required_of_applications: None,
            users,
            apps: seed::apps(),
            organisations,
            pending: BTreeMap::new(),
            codes: BTreeMap::new(),
            devices: BTreeMap::new(),
            access_tokens: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            pats: Vec::new(),
            pages: BTreeMap::new(),
            feeds,
            gallery: Gallery::seed(),
            oidc: Oidc::default(),
            machines: Machines::default(),
            faults: Vec::new(),
            certificates: BTreeMap::new(),
            journal: Journal::default(),
        }
    }

    /// A world as at the start, at this world's time, with its switches and rules.
    pub(crate) fn fresh(&self) -> Self {
        let urls = self.urls.clone();
        let switches = self.switches.clone();
        let mut fresh = Self::new(self.seed, ClockMode::Flowing, switches, urls, self.sign_in_as.clone());
        fresh.clock = self.clock.clone();
        fresh.journal.rules = self.journal.rules.clone();
        fresh
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id.eq_ignore_ascii_case(client_id))
    }

    /// Organisations are named without regard to case, or by their identifier.
    pub(crate) fn organisation(&self, name: &str) -> Option<&Organisation> {
        let name = name.to_lowercase();
        self.organisations
            .get(&name)
            .or_else(|| self.organisations.values().find(|known| known.instance_id == name))
    }

    /// Every secret that is or was valid, for searching logs and disks.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let keys = |map: Vec<&String>| map.into_iter().cloned().collect::<Vec<_>>();
        let mut secrets = keys(self.access_tokens.keys().collect());
        secrets.extend(keys(self.refresh_tokens.keys().collect()));
        secrets.extend(keys(self.codes.keys().collect()));
        secrets.extend(keys(self.devices.keys().collect()));
        secrets.extend(self.pats.iter().map(|pat| pat.token.clone()));
        secrets.extend(self.gallery.keys.iter().map(|key| key.secret.clone()));
        secrets.extend(self.oidc.secrets().cloned());
        secrets.extend(self.machines.secrets().cloned());
        secrets
    }
}
