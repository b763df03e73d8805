//! [`Control`]: what a test does and asks.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::records::{Exchange, LoggedRequest, Mail, PatState, PatView, PendingDevice, Rules};
use crate::{
    certificate::Certificate,
    fault::{Fault, FaultRule},
    host::Host,
    login, pats,
    server::Shared,
    switches::Switches,
    violations,
    world::{DeviceState, UserState},
};

/// A handle on the emulator's world.
#[derive(Clone)]
pub struct Control {
    pub(super) shared: Arc<Shared>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    // Time.

    /// The emulator's time in seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.shared.world().now().seconds()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.shared.world().clock.advance(seconds);
    }

    /// Sets the clock to these seconds since the epoch.
    pub fn set_clock(&self, seconds: i64) {
        self.shared.world().clock.set(seconds);
    }

    // People.

    /// From now on the browser flow signs this person in without showing the page.
    pub fn set_user(&self, name: &str) {
        self.shared.world().sign_in_as = Some(name.to_owned());
    }

    /// From now on the browser flow shows the sign-in page.
    pub fn show_sign_in_page(&self) {
        self.shared.world().sign_in_as = None;
    }

    /// Changes what stands between a person and a token.
    pub fn set_user_state(&self, name: &str, state: UserState) -> Result<()> {
        let mut world = self.shared.world();
        world.users.get_mut(name).with_context(|| format!("no user `{name}`"))?.state = state;
        Ok(())
    }

    /// Lets a person sign in the device that shows this code: the person set by [`Self::set_user`], else alice.
    pub fn approve_device(&self, user_code: &str) -> Result<()> {
        let mut world = self.shared.world();
        let user = world.sign_in_as.clone().unwrap_or_else(|| "alice".to_owned());
        login::approve_device(&mut world, user_code, &user).map_err(|text| anyhow!(text))
    }

    /// Lets this person sign in the device that shows this code.
    pub fn approve_device_as(&self, user_code: &str, user: &str) -> Result<()> {
        login::approve_device(&mut self.shared.world(), user_code, user).map_err(|text| anyhow!(text))
    }

    /// Refuses the device that shows this code.
    pub fn deny_device(&self, user_code: &str) -> Result<()> {
        login::deny_device(&mut self.shared.world(), user_code).map_err(|text| anyhow!(text))
    }

    /// Device codes that wait for a person.
    pub fn pending_devices(&self) -> Vec<PendingDevice> {
        let world = self.shared.world();
        let waiting = world.devices.values().filter(|device| device.state == DeviceState::Pending);
        waiting
            .map(|device| PendingDevice {
                user_code: device.user_code.clone(),
                client_id: device.client_id.clone(),
            })
            .collect()
    }

    /// Every refresh token of this person answers AADSTS50173 from now on.
    pub fn revoke_sessions(&self, user: &str) {
        login::kill_sessions(&mut self.shared.world(), user);
    }

    /// Continuous access evaluation: this person's access tokens get a claims challenge until one is asked for
    /// with the claims returned here. With `interaction`, a refresh does not do.
    pub fn challenge_claims(&self, user: &str, interaction: bool) -> Result<String> {
        let mut world = self.shared.world();
        let value = world.now().seconds().to_string();
        let claims = json!({"access_token": {"nbf": {"essential": true, "value": value}}}).to_string();
        let user = world.users.get_mut(user).with_context(|| format!("no user `{user}`"))?;
        user.required_claims = Some(claims.clone());
        user.claims_need_interaction = interaction;
        Ok(claims)
    }

    /// The same for every application that is no person.
    pub fn challenge_applications(&self, claims: &str) {
        self.shared.world().required_of_applications = Some(claims.to_owned());
    }

    /// Access tokens of this person are refused from now on (TF400813), without a claims challenge.
    pub fn revoke_access_tokens(&self, user: &str) {
        let mut world = self.shared.world();
        for token in world.access_tokens.values_mut().filter(|token| token.user.as_deref() == Some(user)) {
            token.revoked = true;
        }
    }

    // Organisations and tokens.

    /// Takes a person out of an organisation.
    pub fn remove_member(&self, org: &str, user: &str) -> Result<()> {
        let mut world = self.shared.world();
        let organisation =
            world.organisations.get_mut(org).with_context(|| format!("no organisation `{org}`"))?;
        organisation.members.retain(|member| member != user);
        Ok(())
    }

    /// Takes a person into an organisation; once is enough.
    pub fn add_member(&self, org: &str, user: &str) -> Result<()> {
        self.remove_member(org, user)?;
        let mut world = self.shared.world();
        let organisation =
            world.organisations.get_mut(org).with_context(|| format!("no organisation `{org}`"))?;
        organisation.members.push(user.to_owned());
        Ok(())
    }

    /// Connects an organisation to this tenant; [`crate::TENANT_ZERO`] cuts it off from Microsoft Entra.
    pub fn connect(&self, org: &str, tenant: &str) -> Result<()> {
        let mut world = self.shared.world();
        let organisation =
            world.organisations.get_mut(org).with_context(|| format!("no organisation `{org}`"))?;
        tenant.clone_into(&mut organisation.tenant);
        Ok(())
    }

    /// Sets an organisation's policy from JSON: `restrict-creation` (`all`, `all-but-packaging`), `exempt`,
    /// `max-lifespan-days`, `no-full-scope`, `no-global`.
    pub fn set_policy(&self, org: &str, policy: Value) -> Result<()> {
        let policy = serde_json::from_value(policy)?;
        let mut world = self.shared.world();
        world.organisations.get_mut(org).with_context(|| format!("no organisation `{org}`"))?.policy = policy;
        Ok(())
    }

    /// Branches of an organisation that take no direct push, for example `refs/heads/main`.
    pub fn protect_branches(&self, org: &str, branches: &[&str]) -> Result<()> {
        let mut world = self.shared.world();
        let organisation =
            world.organisations.get_mut(org).with_context(|| format!("no organisation `{org}`"))?;
        organisation.protected_branches = branches.iter().map(|branch| (*branch).to_owned()).collect();
        Ok(())
    }

    /// The organisation's identifier, as in `targetAccounts`.
    pub fn instance_id(&self, org: &str) -> Option<String> {
        self.shared.world().organisation(org).map(|organisation| organisation.instance_id.clone())
    }

    /// Makes a token past every policy, rule and mail; gives identifier and secret.
    pub fn mint(&self, user: &str, org: &str, scope: &str, seconds: i64) -> Result<(String, String)> {
        let mut world = self.shared.world();
        let organisation =
            world.organisation(org).with_context(|| format!("no organisation `{org}`"))?.clone();
        let scopes = scope.split(' ').map(str::to_owned).collect();
        let valid_to = world.now().plus(seconds);
        let pat = pats::mint(&mut world, user, &organisation, "by the test".to_owned(), scopes, valid_to);
        if let Some(made) = world.pats.last_mut() {
            made.by_control = true;
        }
        Ok((pat.authorization_id, pat.token))
    }

    /// Every token ever made, oldest first.
    pub fn pats(&self) -> Vec<PatView> {
        let world = self.shared.world();
        world.pats.iter().map(|pat| PatView::of(pat, world.now())).collect()
    }

    /// Tokens that open doors now.
    pub fn live_pats(&self) -> Vec<PatView> {
        self.pats().into_iter().filter(|pat| pat.state == PatState::Live).collect()
    }

    /// The token of this value, dead or alive.
    pub fn pat_of(&self, value: &str) -> Option<PatView> {
        let world = self.shared.world();
        let found = world.pats.iter().find(|pat| pat.token == value);
        found.map(|pat| PatView::of(pat, world.now()))
    }

    /// Live tokens that are not among those the client says it keeps.
    pub fn orphans(&self, kept: &[&str]) -> Vec<PatView> {
        self.live_pats().into_iter().filter(|pat| !kept.contains(&pat.authorization_id.as_str())).collect()
    }

    /// Revokes a token from outside, at once.
    pub fn revoke_pat(&self, authorization_id: &str) -> Result<()> {
        let mut world = self.shared.world();
        let now = world.now();
        let pat = world.pats.iter_mut().find(|pat| pat.authorization_id == authorization_id);
        pat.with_context(|| format!("no token `{authorization_id}`"))?.revoked_from = Some(now);
        Ok(())
    }

    /// Ends a token's life now, as if its time were over.
    pub fn expire_pat(&self, authorization_id: &str) -> Result<()> {
        let mut world = self.shared.world();
        let now = world.now();
        let pat = world.pats.iter_mut().find(|pat| pat.authorization_id == authorization_id);
        pat.with_context(|| format!("no token `{authorization_id}`"))?.valid_to = now;
        Ok(())
    }

    /// The bare repository's folder, made if need be; `None` when there is none of that name. Blocks: not for
    /// use on a runtime's own threads.
    pub fn repository(&self, org: &str, project: &str, repository: &str) -> Result<Option<PathBuf>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let relative = runtime.block_on(self.shared.repositories.open(org, project, repository))?;
        Ok(relative.map(|relative| self.shared.repositories.root().join(relative)))
    }

    // Faults and switches.

    /// Adds a fault; earlier ones are tried first.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().faults.push(FaultRule { fault, met: 0 });
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// What the host shows of itself to everybody who connects from now on.
    pub fn certificate(&self, host: Host, certificate: Certificate) {
        self.shared.world().certificates.insert(host, certificate);
    }

    /// How many requests [`crate::Action::Hold`] holds now.
    pub fn held(&self) -> usize {
        self.shared.held()
    }

    /// Waits until at least this many requests are held; runs on any runtime.
    pub async fn holding(&self, count: usize) {
        self.shared.holding(count).await;
    }

    /// Lets the requests held now go on.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Changes switches in place.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.shared.world().switches);
    }

    /// Changes the rules that [`Self::violations`] goes by.
    pub fn rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.shared.world().journal.rules);
    }

    // What happened.

    /// Every request so far, the control host's left out.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        let world = self.shared.world();
        world.journal.requests.iter().filter(|request| request.host != Host::Ctl).cloned().collect()
    }

    /// Requests to one host with this method and this text in the path, case ignored.
    pub fn requests_to(&self, host: Host, method: &str, path: &str) -> Vec<LoggedRequest> {
        let path = path.to_lowercase();
        let mut requests = self.requests();
        requests.retain(|request| {
            request.host == host && request.method == method && request.path.to_lowercase().contains(&path)
        });
        requests
    }

    /// Mails sent so far: one for each token made, one seven days before a token's end.
    pub fn mail(&self) -> Vec<Mail> {
        let world = self.shared.world();
        crate::journal::mail(&world)
    }

    /// What `POST` to this path of the control host does, without the way over HTTP.
    pub fn tell(&self, path: &str, body: &Value) -> Result<Value> {
        super::http::write(self, &self.shared, path, body.to_string().as_bytes())
            .map_err(|text| anyhow!(text))
    }

    /// From now on whole exchanges are kept, secrets and all, for [`Self::exchanges`].
    pub fn record(&self) {
        self.shared.world().journal.recording = true;
    }

    /// Every exchange since [`Self::record`] that was answered, with its place among all requests, the control host's
    /// left out.
    pub fn exchanges(&self) -> BTreeMap<usize, Exchange> {
        self.shared.world().journal.exchanges.clone()
    }

    /// How many requests arrived so far.
    pub fn arrived(&self) -> usize {
        self.shared.world().journal.requests.len()
    }

    /// Every secret that was ever issued, for searching logs, disks and memory.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.world().secrets()
    }

    /// What clients did wrong so far; empty when all is well.
    pub fn violations(&self) -> Vec<String> {
        violations::all(&self.shared.world())
    }
}
