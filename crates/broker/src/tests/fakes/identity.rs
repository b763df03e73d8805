//! The identity provider, and the failures it has.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use valetkey_protocol::{Event, Flow, Reason, Refusal, SecretString};

use super::HOUR;
use crate::{Client, Failure, FailureKind, Identity, Loan, Pending, Started, Tokens, Wish};

/// The identity provider. Every refresh token it gave works until `dead` says otherwise.
#[derive(Debug, Default)]
pub(in crate::tests) struct FakeIdentity {
    pub(in crate::tests) refreshes: AtomicU32,
    pub(in crate::tests) sign_ins: AtomicU32,
    pub(in crate::tests) fails: Mutex<Option<Failure>>,
    /// Only a refresh token holding this is taken.
    pub(in crate::tests) only: Mutex<Option<String>>,
    pub(in crate::tests) seen: Mutex<Vec<(Client, Option<String>)>>,
    pub(in crate::tests) wishes: Mutex<Vec<Wish>>,
    /// The person takes until `signs`.
    pub(in crate::tests) waits: AtomicBool,
    pub(in crate::tests) signs: Arc<Notify>,
    pub(in crate::tests) granted: Mutex<Vec<String>>,
    pub(in crate::tests) takes: Mutex<Duration>,
    /// Tenants that tokens were borrowed for.
    pub(in crate::tests) loans: Mutex<Vec<(Option<String>, bool)>>,
    pub(in crate::tests) lends_not: Mutex<Option<Failure>>,
}

impl FakeIdentity {
    fn tokens(&self, number: u32, tenant: &str, claims: Option<&str>) -> Tokens {
        let with = if claims.is_some() { "-claims" } else { "" };
        Tokens {
            access_token: format!("access-{number}-{tenant}{with}").into(),
            refresh_token: Some(format!("refresh-{number}").into()),
            expires_in: Duration::from_secs(HOUR),
            scopes: self.granted.lock().unwrap().clone(),
            username: "alice@contoso.com".to_owned(),
            account_id: "alice.home".to_owned(),
            tenant: tenant.to_owned(),
        }
    }
}

impl Identity for FakeIdentity {
    fn borrow<'a>(&'a self, loan: Loan<'a>) -> Pending<'a, Result<Tokens, Failure>> {
        Box::pin(async move {
            let tenant = loan.tenant.map(str::to_owned);
            let number = {
                let mut loans = self.loans.lock().unwrap();
                loans.push((tenant.clone(), loan.introduced));
                u32::try_from(loans.len()).unwrap()
            };
            match self.lends_not.lock().unwrap().clone() {
                Some(failure) => Err(failure),
                None => Ok(Tokens {
                    refresh_token: None,
                    account_id: String::new(),
                    ..self.tokens(number, tenant.as_deref().unwrap_or("home"), loan.claims)
                }),
            }
        })
    }

    fn refresh<'a>(
        &'a self,
        client: &'a Client,
        token: &'a SecretString,
        claims: Option<&'a str>,
    ) -> Pending<'a, Result<Tokens, Failure>> {
        use valetkey_protocol::ExposeSecret as _;
        Box::pin(async move {
            let number = 100 + self.refreshes.fetch_add(1, Ordering::SeqCst);
            self.seen.lock().unwrap().push((client.clone(), claims.map(str::to_owned)));
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            if let Some(failure) = self.fails.lock().unwrap().clone() {
                return Err(failure);
            }
            match &*self.only.lock().unwrap() {
                Some(only) if token.expose_secret() != only => Err(ended()),
                _ => Ok(self.tokens(number, &client.tenant, claims)),
            }
        })
    }

    fn begin<'a>(
        &'a self,
        client: &'a Client,
        _flow: Flow,
        wish: Wish,
    ) -> Pending<'a, Result<Started, Failure>> {
        Box::pin(async move {
            let number = self.sign_ins.fetch_add(1, Ordering::SeqCst);
            let tokens = self.tokens(number, &client.tenant, wish.claims.as_deref());
            self.wishes.lock().unwrap().push(wish);
            let (waits, signs) = (self.waits.load(Ordering::SeqCst), Arc::clone(&self.signs));
            let event = Event::Browser { url: "https://login.example/authorize".to_owned() };
            let finish: Pending<'static, Result<Tokens, Failure>> = Box::pin(async move {
                if waits {
                    signs.notified().await;
                }
                Ok(tokens)
            });
            Ok(Started { event, finish })
        })
    }
}

pub(in crate::tests) fn down() -> Failure {
    Failure::new(FailureKind::Transient, Refusal::new(Reason::Unavailable, "the service is down", "wait"))
}

pub(in crate::tests) fn ended() -> Failure {
    let refusal = Refusal::new(Reason::NeedsLogin, "the session has ended", "run `valetkey login`");
    Failure::new(FailureKind::SessionEnded, refusal)
}

pub(in crate::tests) fn interaction() -> Failure {
    let refusal = Refusal::new(Reason::NeedsInteraction, "a second factor is wanted", "run `valetkey login`");
    Failure::new(FailureKind::Interaction, refusal).claims(Some("{\"mfa\":1}".to_owned()))
}
