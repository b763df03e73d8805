//! What the broker needs from outside, as traits: each is a crate of its own in the agent and a fake in a test.

use std::{fmt, pin::Pin, time::Duration};

use valetkey_protocol::{
    AuditRecord, Event, Flow, PatChange, PatList, Reason, Refusal, SecretString, TokenSource,
};

use crate::{Failure, Summons};

/// A boxed future: what an async function of a trait object returns.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Signing in and staying signed in.
pub trait Identity: fmt::Debug + Send + Sync {
    /// A new access token for a refresh token.
    fn refresh<'a>(
        &'a self,
        client: &'a Client,
        token: &'a SecretString,
        claims: Option<&'a str>,
    ) -> Pending<'a, Result<Tokens, Failure>>;

    /// Begins a sign-in: what to show, and the future that waits for the person. Dropping it cancels.
    fn begin<'a>(
        &'a self,
        client: &'a Client,
        flow: Flow,
        wish: Wish,
    ) -> Pending<'a, Result<Started, Failure>>;

    /// An access token of somebody who is signed in elsewhere. Names the account where `introduced` is asked for.
    fn borrow<'a>(&'a self, loan: Loan<'a>) -> Pending<'a, Result<Tokens, Failure>> {
        let refusal = Refusal::new(Reason::BadRequest, format!("nothing is taken from {}", loan.source), "");
        Box::pin(async move { Err(refusal.into()) })
    }
}

/// Minting, finding and revoking keys.
pub trait Pats: fmt::Debug + Send + Sync {
    /// Mints a key. Not idempotent.
    fn create<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>>;

    /// Every live key of the user in the organisation, ours or not.
    fn list<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
    ) -> Pending<'a, Result<Vec<ListedKey>, Failure>>;

    /// Revokes a key. A key that is gone already is revoked.
    fn revoke<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<(), Failure>>;

    /// One page of the user's tokens.
    fn page<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        list: &'a PatList,
    ) -> Pending<'a, Result<PatPage, Failure>>;

    /// One token; nothing where there is none of that id.
    fn get<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<Option<PatFacts>, Failure>>;

    /// Changes a token. Its value stays.
    fn update<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        change: &'a PatChange,
    ) -> Pending<'a, Result<PatFacts, Failure>>;

    /// A session token: like a key, and in no list.
    fn session_token<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>>;

    /// Whether an organisation takes an access token.
    fn recognise<'a>(&'a self, organisation: &'a str, bearer: &'a Bearer)
    -> Pending<'a, Result<(), Failure>>;

    /// The tenant an organisation belongs to.
    fn tenant_of<'a>(&'a self, organisation: &'a str) -> Pending<'a, Result<OrganisationTenant, Failure>>;
}

/// The place where secrets rest. Calls block for the vault's deadline at most, so they run on blocking threads.
pub trait Secrets: fmt::Debug + Send + Sync {
    /// The secret of a name.
    fn get(&self, name: &str) -> Result<Option<SecretString>, Refusal>;
    /// Stores a secret.
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), Refusal>;
    /// Forgets a secret; one that is not there is forgotten.
    fn delete(&self, name: &str) -> Result<(), Refusal>;
    /// Opens the place with a passphrase.
    fn unlock(&self, passphrase: &SecretString) -> Result<(), Refusal>;
    /// Forgets the passphrase it was opened with. A place without one stays as it is.
    fn lock(&self) -> Result<(), Refusal>;
}

/// Where audit lines go.
pub trait AuditSink: fmt::Debug + Send + Sync {
    /// Records one line. Must not block for long and must not fail loudly.
    fn record(&self, record: AuditRecord);

    /// Records one line of what is about to be answered. It may be written after the answer.
    fn hold_back(&self, record: AuditRecord) {
        self.record(record);
    }
}

/// Calls a person to their desk.
pub trait Doorbell: fmt::Debug + Send + Sync {
    /// Calls, and says whether the call was seen to arrive. Nobody waits for it.
    fn ring(&self, summons: Summons) -> Pending<'_, bool>;

    /// Whether a program runs at a terminal, where a person reads what it prints.
    fn has_terminal(&self, pid: u32) -> bool;
}

/// Who signs in where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Tenant whose endpoints are asked.
    pub tenant: String,
    /// Client id of the app registration.
    pub client_id: String,
    /// Its tokens are handed out: everything it was given consent for is asked for, and not the right to mint.
    pub lends: bool,
}

/// A wish for an access token of somebody who is signed in elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Loan<'a> {
    /// Who lends.
    pub source: &'a TokenSource,
    /// The tenant it must be of; none where the source is to choose.
    pub tenant: Option<&'a str>,
    /// Claims it must satisfy, as JSON.
    pub claims: Option<&'a str>,
    /// Whether the account's names are wanted, which may cost another question.
    pub introduced: bool,
}

/// An access token, and whose it is.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The token.
    pub token: SecretString,
    /// The tenant that gave it: a refusal can then be told from one of an organisation elsewhere.
    pub tenant: String,
    /// Which of the session's access tokens it is.
    pub serial: u64,
    /// Its end, in seconds since 1970.
    pub expires_at: u64,
}

/// What a sign-in should be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// User name expected.
    pub login_hint: Option<String>,
    /// Claims the token must satisfy, as JSON.
    pub claims: Option<String>,
    /// Let the person choose an account even where the browser knows one.
    pub choose_account: bool,
}

/// A sign-in that waits for a person.
pub struct Started {
    /// What the person must see.
    pub event: Event,
    /// Ends when the person has signed in, declined, or the time is over.
    pub finish: Pending<'static, Result<Tokens, Failure>>,
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

/// What the identity provider gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Opaque access token.
    pub access_token: SecretString,
    /// Refresh token, new at each refresh.
    pub refresh_token: Option<SecretString>,
    /// Life of the access token.
    pub expires_in: Duration,
    /// Scopes granted, with or without the resource in front.
    pub scopes: Vec<String>,
    /// User name; empty where the answer did not say.
    pub username: String,
    /// Stable id of the account; empty where the answer did not say.
    pub account_id: String,
    /// Tenant that answered.
    pub tenant: String,
}

/// A key to mint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its name, with the nonce it is found by.
    pub display_name: String,
    /// Its scope.
    pub scope: String,
    /// Its end as wished, in seconds since 1970.
    pub valid_to: u64,
}

/// A key that was minted.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// Its id at the service.
    pub authorization_id: String,
    /// Its value.
    pub secret: SecretString,
    /// Its end as given, in seconds since 1970.
    pub valid_to: u64,
}

/// A key as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Its id at the service.
    pub authorization_id: String,
    /// Its name.
    pub display_name: String,
    /// Its end, in seconds since 1970.
    pub valid_to: u64,
}

/// All that the service says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatFacts {
    /// Its id at the service.
    pub authorization_id: String,
    /// Its name.
    pub display_name: String,
    /// Its scopes, separated by single spaces.
    pub scope: String,
    /// Start of its life, in seconds since 1970; 0 where that is not said.
    pub valid_from: u64,
    /// Its end, in seconds since 1970.
    pub valid_to: u64,
    /// Whether it is good for every organisation of its owner.
    pub all_organisations: bool,
}

/// One page of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatPage {
    /// The tokens.
    pub pats: Vec<PatFacts>,
    /// Where the next page begins; nothing on the last.
    pub next: Option<String>,
}

/// Where an organisation's users live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganisationTenant {
    /// A tenant.
    Tenant(String),
    /// Personal Microsoft accounts: no keys can be minted there.
    MicrosoftAccount,
    /// It does not say.
    Unknown,
}
