//! What kind of key an organisation lets one have: a PAT, else a session token, else an Entra token.
//!
//! The next kind is tried where a policy refuses the one before, and what served is remembered for a while. Only PATs are
//! on the ledger: the other two cannot be revoked and end by themselves within hours.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{Issuer, Reason, Refusal, TokenSource};

use crate::{
    Broker, Failure, FailureKind,
    accounts::Account,
    audit::Filled as _,
    broker::held,
    clock::random_hex,
    keys::{Key, KeyName, Moment},
    ledger::{Entry, State},
    session::Need,
};

/// The longest life asked of a session token; Microsoft's own client asks for no more.
const SESSION: u64 = 24 * 3600;

impl Broker {
    /// A new key of the first kind that the organisation allows.
    pub(crate) async fn issue(&self, name: &KeyName, account: &Account) -> Result<Arc<Key>, Failure> {
        let issuers = self.issuers(name, account);
        if let Some(issuer) = self.detour(name).filter(|taken| issuers.contains(taken))
            && let Ok(key) = self.issue_by(issuer, name, account).await
        {
            return Ok(key);
        }
        self.forget_detour(name).await;
        let mut refused: Option<Failure> = None;
        for issuer in issuers {
            match self.issue_by(issuer, name, account).await {
                Ok(key) => {
                    if let Some(failure) = refused {
                        self.remember(name, issuer, failure.refusal, account).await;
                    }
                    return Ok(key);
                }
                Err(failure) if refused.is_none() && !is_policy(&failure) => return Err(failure),
                Err(failure) => refused = Some(refused.unwrap_or(failure)),
            }
        }
        Err(refused.unwrap_or_else(|| nothing_to_issue(&name.organisation).into()))
    }

    /// The kinds that may be tried, in order.
    fn issuers(&self, name: &KeyName, account: &Account) -> Vec<Issuer> {
        let settings = &self.live().settings;
        let mut issuers = Vec::new();
        if account.mints() {
            issuers.push(Issuer::Pat);
            if settings.session_tokens {
                issuers.push(Issuer::Session);
            }
        }
        if self.lends_to(name, account).is_some() {
            issuers.push(Issuer::Entra);
        }
        issuers
    }

    /// The account whose Entra token may be handed to the organisation: of the registration that is named for that, and
    /// only where the configuration lists the organisation. A machine has nothing else to give.
    fn lends_to(&self, name: &KeyName, account: &Account) -> Option<Account> {
        if matches!(account.source, Some(TokenSource::Machine(_))) {
            return Some(account.clone());
        }
        let settings = &self.live().settings;
        if !settings.entra_organisations.contains(&name.organisation) {
            return None;
        }
        let client = settings.entra_client_id.as_deref()?;
        if account.client_id == client {
            return Some(account.clone());
        }
        let lends = |other: &Account| {
            !other.leaving
                && other.client_id == client
                && other.username == account.username
                && other.organisation_names().contains(&name.organisation)
        };
        self.accounts.snapshot().into_iter().find(lends)
    }

    async fn issue_by(&self, issuer: Issuer, name: &KeyName, account: &Account) -> Result<Arc<Key>, Failure> {
        match issuer {
            Issuer::Session => self.session_token(name, account).await,
            Issuer::Entra => match self.lends_to(name, account) {
                Some(lender) => self.entra_token(name, &lender).await,
                None => Err(nothing_to_issue(&name.organisation).into()),
            },
            _ => self.mint(name, account).await,
        }
    }

    async fn session_token(&self, name: &KeyName, account: &Account) -> Result<Arc<Key>, Failure> {
        let (mut new, mut entry) = self.draft(name)?;
        let live = self.live();
        held(&self.quota).take(self.clock.monotonic(), live.settings.mints_per_hour)?;
        new.valid_to = new.valid_to.min(self.clock.now().saturating_add(SESSION));
        let created = self
            .with_token(account, &name.organisation, |live, bearer| {
                let new = new.clone();
                async move { live.services.pats.session_token(&name.organisation, &bearer, &new).await }
            })
            .await?;
        entry.valid_to = created.valid_to;
        self.issued(Key::of_issuer(Issuer::Session, entry, created.secret, self.moment()), account)
    }

    /// An Entra token that the organisation has just taken: a challenge for claims or another tenant is answered here,
    /// since git could not answer it.
    async fn entra_token(&self, name: &KeyName, account: &Account) -> Result<Arc<Key>, Failure> {
        let organisation = name.organisation.as_str();
        let old = self.table().slot(name).key.clone();
        let refused = old.filter(|key| key.issuer == Issuer::Entra && key.suspect.load(Ordering::Relaxed));
        let need = Need { not: refused.and_then(|key| key.serial), claims: None };
        let bearer = self
            .with_token_needed(account, organisation, need, |live, bearer| async move {
                live.services.pats.recognise(organisation, &bearer).await.map(|()| bearer)
            })
            .await?;
        let now = self.moment();
        let entry = Entry {
            nonce: random_hex::<10>(&*self.random).map_err(|error| {
                Refusal::new(Reason::Internal, error.to_string(), "try again, then restart the machine")
            })?,
            state: State::Minted,
            account: name.account.clone(),
            organisation: name.organisation.clone(),
            scope: name.purpose.scope().to_owned(),
            name: String::new(),
            service: self.live().settings.service(),
            created_at: now.wall,
            valid_to: bearer.expires_at,
            authorization_id: None,
            person: None,
        };
        let mut key = Key::of_issuer(Issuer::Entra, entry, bearer.token, now);
        key.serial = Some(bearer.serial);
        self.issued(key, account)
    }

    fn issued(&self, key: Key, account: &Account) -> Result<Arc<Key>, Failure> {
        let now: Moment = self.moment();
        if !key.is_usable(now) {
            let refusal = Refusal::new(
                Reason::Configuration,
                format!("the {} that was given ends in {} seconds", key.issuer, key.left(now)),
                "check this machine's clock",
            );
            return Err(refusal.into());
        }
        self.record("issued")
            .of_key(&key.entry, &account.username)
            .noting(key.issuer.to_string())
            .write(&*self.audit);
        Ok(Arc::new(key))
    }
}

/// Whether another kind of key may be allowed.
fn is_policy(failure: &Failure) -> bool {
    failure.kind == FailureKind::Final
        && matches!(failure.refusal.reason, Reason::KeyForbidden | Reason::AccessDenied)
}

fn nothing_to_issue(organisation: &str) -> Refusal {
    Refusal::new(
        Reason::KeyForbidden,
        format!(
            "this sign-in can give Entra tokens only, and `{organisation}` is not among those that get them"
        ),
        format!("add `{organisation}` to `entra-organisations` under `[issuers]`"),
    )
}
