//! The right to mint: refresh tokens at rest and access tokens in memory.
//!
//! Where somebody else is signed in and lends access tokens there is no refresh token, and nothing rests in the vault.
//!
//! A refresh token leaves this file in one direction only, to the identity provider. Each refresh brings a new one;
//! it is stored before anything is done with the access token that came along, and the one before it is kept until
//! the next has been stored, so that a crash between any two steps leaves one that works. A vault that fails costs
//! nothing but the session's survival of a restart, which [`Sessions::degraded`] tells.

mod problems;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use valetkey_protocol::{ExposeSecret as _, Reason, Refusal, SecretString, SessionState};

use crate::{
    Client, Clock, Failure, FailureKind, Identity, Loan, Secrets, Tokens,
    accounts::Account,
    breaker::{Breakers, Upstream},
    keys::Moment,
    memory::Memory,
};

use problems::Problems;

/// An access token is not used in its last five minutes, nor in the second half of a life shorter than ten.
const EARLY: u64 = 300;
/// An access token, and which one it is.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) token: SecretString,
    pub(crate) serial: u64,
    until: Moment,
    /// Its end, in seconds since 1970.
    pub(crate) expires_at: u64,
}

/// Why the token at hand is not good enough.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need {
    /// The token of this serial was rejected.
    pub(crate) not: Option<u64>,
    /// The new one must satisfy these claims.
    pub(crate) claims: Option<String>,
}

#[derive(Debug, Default)]
struct Session {
    refresh: Option<SecretString>,
    access: HashMap<String, Access>,
    serial: u64,
}

/// Every session.
#[derive(Debug)]
pub(crate) struct Sessions {
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    live: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Session>>>>,
    pub(crate) problems: Problems,
    memory: Arc<Memory>,
    /// Accounts whose newest refresh token is in memory only.
    unsaved: Mutex<HashSet<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn current_name(account: &str) -> String {
    format!("session/{account}")
}

fn previous_name(account: &str) -> String {
    format!("session/{account}.previous")
}

impl Sessions {
    pub(crate) fn new(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>, memory: Arc<Memory>) -> Self {
        Self {
            secrets,
            problems: Problems::new(Arc::clone(&clock)),
            clock,
            memory,
            live: Mutex::default(),
            unsaved: Mutex::default(),
        }
    }

    fn session(&self, account: &str) -> Arc<tokio::sync::Mutex<Session>> {
        Arc::clone(locked(&self.live).entry(account.to_owned()).or_default())
    }

    /// An access token for a tenant. One refresh of an account is in the air at a time; who comes meanwhile gets its
    /// result.
    pub(crate) async fn access(
        &self,
        identity: &dyn Identity,
        breakers: &Breakers,
        account: &Account,
        tenant: &str,
        need: Need,
    ) -> Result<Access, Failure> {
        let session = self.session(&account.id);
        let mut session = session.lock().await;
        let now = self.moment();
        if let Some(access) = session.access.get(tenant)
            && need.not != Some(access.serial)
            && now.wall < access.until.wall
            && now.monotonic < access.until.monotonic
        {
            return Ok(access.clone());
        }
        session.access.remove(tenant);
        if need.claims.is_none() {
            self.problems.check(&account.id, tenant, now.monotonic)?;
        }
        let upstream = Upstream::Tenant(tenant.to_owned());
        breakers.check(&upstream, now.monotonic)?;
        let claims = need.claims.as_deref();
        let went = match &account.source {
            None => self.refresh(&mut session, identity, account, tenant, claims).await?,
            Some(source) => {
                let tenant = Some(tenant);
                identity.borrow(Loan { source, tenant, claims, introduced: false }).await
            }
        };
        let jitter = u8::try_from(session.serial % 256).unwrap_or(0).wrapping_mul(97);
        breakers.note(upstream, self.clock.monotonic(), &went, jitter);
        match went {
            Ok(tokens) => Ok(self.accept(&mut session, &account.id, tenant, tokens).await),
            Err(failure) => {
                self.problems.note(&account.id, tenant, &failure);
                Err(failure)
            }
        }
    }

    /// New tokens for the refresh token, or for the one before it.
    async fn refresh(
        &self,
        session: &mut Session,
        identity: &dyn Identity,
        account: &Account,
        tenant: &str,
        claims: Option<&str>,
    ) -> Result<Result<Tokens, Failure>, Failure> {
        let refresh = self.refresh_token(session, &account.id).await?;
        let client =
            Client { tenant: tenant.to_owned(), client_id: account.client_id.clone(), lends: account.lends };
        let mut went = identity.refresh(&client, &refresh, claims).await;
        if ended(&went)
            && let Some(previous) = self.previous(&account.id, &refresh).await
        {
            went = identity.refresh(&client, &previous, claims).await;
            if went.is_ok() {
                session.refresh = Some(previous);
            }
        }
        Ok(went)
    }

    /// Takes what a sign-in gave. The refresh token must be there.
    pub(crate) async fn begin(&self, account: &str, tenant: &str, tokens: Tokens) {
        let session = self.session(account);
        let mut session = session.lock().await;
        session.access.clear();
        self.begin_anew(account).await;
        self.accept(&mut session, account, tenant, tokens).await;
    }

    /// What was wrong is over, and whoever was called because of it has come.
    async fn begin_anew(&self, account: &str) {
        self.problems.forget(account);
        if self.memory.forget_summons(account) {
            let memory = Arc::clone(&self.memory);
            let _ = tokio::task::spawn_blocking(move || memory.write()).await;
        }
    }

    async fn accept(&self, session: &mut Session, account: &str, tenant: &str, tokens: Tokens) -> Access {
        if let Some(new) = tokens.refresh_token {
            let old = session.refresh.replace(new.clone());
            if old.as_ref().is_none_or(|old| !valetkey_protocol::same_secret(old, &new)) {
                self.store(account, old, new).await;
            }
        }
        self.problems.solved(account, tenant);
        session.serial += 1;
        let now = self.moment();
        let life = tokens.expires_in.as_secs();
        let use_for = life.saturating_sub(EARLY.min(life / 2));
        let access = Access {
            token: tokens.access_token,
            serial: session.serial,
            expires_at: now.wall.saturating_add(life),
            until: Moment {
                wall: now.wall.saturating_add(use_for),
                monotonic: now.monotonic + Duration::from_secs(use_for),
            },
        };
        session.access.insert(tenant.to_owned(), access.clone());
        access
    }

    async fn refresh_token(&self, session: &mut Session, account: &str) -> Result<SecretString, Failure> {
        if let Some(token) = &session.refresh {
            return Ok(token.clone());
        }
        match self.read(current_name(account)).await? {
            Some(token) => {
                session.refresh = Some(token.clone());
                Ok(token)
            }
            None => Err(Failure::new(
                FailureKind::SessionEnded,
                Refusal::new(Reason::NeedsLogin, "the session is no longer stored", "run `valetkey login`"),
            )),
        }
    }

    /// The refresh token before the current one, where it is another.
    async fn previous(&self, account: &str, current: &SecretString) -> Option<SecretString> {
        let previous = self.read(previous_name(account)).await.ok().flatten()?;
        (!valetkey_protocol::same_secret(&previous, current)).then_some(previous)
    }

    async fn store(&self, account: &str, old: Option<SecretString>, new: SecretString) {
        let secrets = Arc::clone(&self.secrets);
        let names = (current_name(account), previous_name(account));
        let stored = blocking(move || {
            if let Some(old) = old {
                secrets.set(&names.1, &old)?;
            }
            secrets.set(&names.0, &new)
        })
        .await;
        if stored.is_ok() {
            locked(&self.unsaved).remove(account);
        } else {
            locked(&self.unsaved).insert(account.to_owned());
        }
    }

    async fn read(&self, name: String) -> Result<Option<SecretString>, Failure> {
        let secrets = Arc::clone(&self.secrets);
        let read = blocking(move || secrets.get(&name)).await.map_err(Failure::from)?;
        Ok(read.filter(|secret| !secret.expose_secret().is_empty()))
    }

    /// State for people.
    pub(crate) fn state(&self, account: &Account, breakers: &Breakers) -> (SessionState, Option<Refusal>) {
        let used = account.organisations.iter().map(|known| account.tenant_for(&known.name));
        let tenants: Vec<_> = used.chain([account.tenant.as_str()]).collect();
        if let Some(problem) = self.problems.of(&account.id, &tenants) {
            return (SessionState::Ended, Some(problem));
        }
        let upstream = Upstream::Tenant(account.tenant.clone());
        match breakers.problem(&upstream, self.clock.monotonic()) {
            Some(refusal) => (SessionState::Waiting, Some(refusal)),
            None => (SessionState::Ready, None),
        }
    }

    /// Whether a session would not survive a restart now.
    pub(crate) fn degraded(&self) -> bool {
        !locked(&self.unsaved).is_empty()
    }

    /// Tries again to store what could not be stored.
    pub(crate) async fn save_again(&self) {
        let accounts: Vec<String> = locked(&self.unsaved).iter().cloned().collect();
        for account in accounts {
            let session = self.session(&account);
            let session = session.lock().await;
            if let Some(token) = session.refresh.clone() {
                self.store(&account, None, token).await;
            }
        }
    }

    /// Forgets access tokens; refresh tokens stay where they rest.
    pub(crate) async fn forget_access(&self) {
        let sessions: Vec<_> = locked(&self.live).values().cloned().collect();
        for session in sessions {
            session.lock().await.access.clear();
        }
    }

    /// Ends a session here: every secret of it is deleted.
    pub(crate) async fn end(&self, account: &str) -> Result<(), Refusal> {
        let session = self.session(account);
        let mut session = session.lock().await;
        *session = Session::default();
        locked(&self.live).remove(account);
        self.begin_anew(account).await;
        locked(&self.unsaved).remove(account);
        let secrets = Arc::clone(&self.secrets);
        let names = [current_name(account), previous_name(account)];
        blocking(move || {
            let gone = names.map(|name| secrets.delete(&name));
            gone.into_iter().collect::<Result<(), _>>()
        })
        .await
    }

    fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }
}

fn ended<T>(went: &Result<T, Failure>) -> bool {
    matches!(went, Err(failure) if failure.kind == FailureKind::SessionEnded)
}

/// Runs what blocks where blocking harms nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Reason::Internal, "a background task failed", "try again")))
}
