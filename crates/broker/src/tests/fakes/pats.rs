//! The service that mints.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use valetkey_protocol::{Reason, Refusal, SecretString};

use super::*;
use crate::{
    Bearer, Clock as _, CreatedKey, Failure, FailureKind, ListedKey, NewKey, OrganisationTenant, Pats,
    Pending,
};

/// A key as the fake service knows it.
#[derive(Debug, Clone)]
pub(in crate::tests) struct Alive {
    pub(in crate::tests) organisation: String,
    pub(in crate::tests) scope: String,
    pub(in crate::tests) name: String,
    pub(in crate::tests) valid_to: u64,
}

/// What the next creation does.
#[derive(Debug, Clone)]
pub(in crate::tests) enum Mood {
    Fail(Failure),
    /// The key is made, its answer lost.
    LoseAnswer,
}

/// The service that mints: it outlives the broker.
#[derive(Debug)]
pub(in crate::tests) struct FakePats {
    pub(in crate::tests) keys: Mutex<BTreeMap<String, Alive>>,
    pub(in crate::tests) creates: AtomicU32,
    pub(in crate::tests) revokes: AtomicU32,
    pub(in crate::tests) lists: AtomicU32,
    /// Applied to each creation while set.
    pub(in crate::tests) mood: Mutex<Option<Mood>>,
    pub(in crate::tests) revoke_fails: Mutex<Option<Failure>>,
    pub(in crate::tests) list_fails: Mutex<Option<Failure>>,
    /// Longest life in seconds.
    pub(in crate::tests) longest: AtomicU64,
    pub(in crate::tests) takes: Mutex<Duration>,
    pub(in crate::tests) tenant: Mutex<OrganisationTenant>,
    /// Access tokens taken; empty takes all.
    pub(in crate::tests) wants: Mutex<Option<(String, FailureKind)>>,
    pub(in crate::tests) clock: Arc<HandClock>,
}

impl FakePats {
    pub(in crate::tests) fn alive(&self) -> Vec<Alive> {
        self.keys.lock().unwrap().values().cloned().collect()
    }

    pub(in crate::tests) fn counts(&self) -> (u32, u32) {
        (self.creates.load(Ordering::SeqCst), self.revokes.load(Ordering::SeqCst))
    }

    fn check(&self, token: &SecretString) -> Result<(), Failure> {
        use valetkey_protocol::ExposeSecret as _;
        match &*self.wants.lock().unwrap() {
            Some((part, kind)) if !token.expose_secret().contains(part.as_str()) => {
                let refusal = Refusal::new(Reason::AccessDenied, "the token is not taken", "sign in");
                Err(Failure::new(*kind, refusal).claims(Some("{\"nbf\":1}".to_owned())))
            }
            _ => Ok(()),
        }
    }

    fn make(&self, organisation: &str, key: &NewKey) -> CreatedKey {
        let number = self.keys.lock().unwrap().len() + self.revokes.load(Ordering::SeqCst) as usize;
        let id = format!("id-{number}-{}", self.creates.load(Ordering::SeqCst));
        let valid_to = key.valid_to.min(self.clock.now() + self.longest.load(Ordering::SeqCst));
        let secret = format!("pat-{id}");
        let alive = Alive {
            organisation: organisation.to_owned(),
            scope: key.scope.clone(),
            name: key.display_name.clone(),
            valid_to,
        };
        self.keys.lock().unwrap().insert(id.clone(), alive);
        CreatedKey { authorization_id: id, secret: secret.into(), valid_to }
    }
}

impl Pats for FakePats {
    fn create<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>> {
        Box::pin(async move {
            self.creates.fetch_add(1, Ordering::SeqCst);
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            self.check(&bearer.token)?;
            match self.mood.lock().unwrap().clone() {
                Some(Mood::Fail(failure)) => Err(failure),
                Some(Mood::LoseAnswer) => {
                    self.make(organisation, key);
                    Err(down().may_have_committed(true))
                }
                None => Ok(self.make(organisation, key)),
            }
        })
    }

    fn list<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
    ) -> Pending<'a, Result<Vec<ListedKey>, Failure>> {
        Box::pin(async move {
            self.lists.fetch_add(1, Ordering::SeqCst);
            self.check(&bearer.token)?;
            if let Some(failure) = self.list_fails.lock().unwrap().clone() {
                return Err(failure);
            }
            let keys = self.keys.lock().unwrap();
            let here = keys.iter().filter(|(_, key)| key.organisation == organisation);
            let listed = here.map(|(id, key)| ListedKey {
                authorization_id: id.clone(),
                display_name: key.name.clone(),
                valid_to: key.valid_to,
            });
            Ok(listed.collect())
        })
    }

    fn revoke<'a>(
        &'a self,
        _organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.check(&bearer.token)?;
            if let Some(failure) = self.revoke_fails.lock().unwrap().clone() {
                return Err(failure);
            }
            if self.keys.lock().unwrap().remove(authorization_id).is_some() {
                self.revokes.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
    }

    fn tenant_of<'a>(&'a self, _organisation: &'a str) -> Pending<'a, Result<OrganisationTenant, Failure>> {
        Box::pin(async move { Ok(self.tenant.lock().unwrap().clone()) })
    }
}
