//! The service that mints.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use valetkey_protocol::{PatChange, PatList, Reason, Refusal, SecretString};

use super::*;
use crate::{
    Bearer, Clock as _, CreatedKey, Failure, FailureKind, ListedKey, NewKey, OrganisationTenant, PatFacts,
    PatPage, Pats, Pending,
};

/// A key as the fake service knows it.
#[derive(Debug, Clone)]
pub(in crate::tests) struct Alive {
    pub(in crate::tests) organisation: String,
    pub(in crate::tests) scope: String,
    pub(in crate::tests) name: String,
    pub(in crate::tests) valid_to: u64,
}

impl Alive {
    fn facts(&self, id: &str) -> PatFacts {
        PatFacts {
            authorization_id: id.to_owned(),
            display_name: self.name.clone(),
            scope: self.scope.clone(),
            valid_from: self.valid_to.saturating_sub(HOUR),
            valid_to: self.valid_to,
            all_organisations: self.organisation.is_empty(),
        }
    }
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
    pub(in crate::tests) update_fails: Mutex<Option<Failure>>,
    /// Session tokens that were asked for.
    pub(in crate::tests) sessions: AtomicU32,
    pub(in crate::tests) session_fails: Mutex<Option<Failure>>,
    /// Access tokens that organisations were asked about.
    pub(in crate::tests) recognised: Mutex<Vec<String>>,
    pub(in crate::tests) recognises_not: Mutex<Option<Failure>>,
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
    fn session_token<'a>(
        &'a self,
        _organisation: &'a str,
        bearer: &'a Bearer,
        key: &'a NewKey,
    ) -> Pending<'a, Result<CreatedKey, Failure>> {
        Box::pin(async move {
            let number = self.sessions.fetch_add(1, Ordering::SeqCst);
            self.check(&bearer.token)?;
            match self.session_fails.lock().unwrap().clone() {
                Some(failure) => Err(failure),
                None => Ok(CreatedKey {
                    authorization_id: String::new(),
                    secret: format!("session-{number}").into(),
                    valid_to: key.valid_to,
                }),
            }
        })
    }

    fn recognise<'a>(
        &'a self,
        _organisation: &'a str,
        bearer: &'a Bearer,
    ) -> Pending<'a, Result<(), Failure>> {
        use valetkey_protocol::ExposeSecret as _;
        Box::pin(async move {
            self.recognised.lock().unwrap().push(bearer.token.expose_secret().to_owned());
            self.check(&bearer.token)?;
            self.recognises_not.lock().unwrap().clone().map_or(Ok(()), Err)
        })
    }

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
            let takes = *self.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
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

    fn page<'a>(
        &'a self,
        organisation: &'a str,
        bearer: &'a Bearer,
        list: &'a PatList,
    ) -> Pending<'a, Result<PatPage, Failure>> {
        const PAGE: usize = 2;
        Box::pin(async move {
            self.lists.fetch_add(1, Ordering::SeqCst);
            self.check(&bearer.token)?;
            let keys = self.keys.lock().unwrap();
            let mut here = keys.iter().filter(|(_, key)| key.organisation == organisation);
            let start = list.after.as_ref().map_or(0, |after| after.parse().unwrap());
            let pats: Vec<_> = here.by_ref().skip(start).take(PAGE).map(|(id, key)| key.facts(id)).collect();
            let next = here.next().map(|_| (start + PAGE).to_string());
            Ok(PatPage { pats, next })
        })
    }

    fn get<'a>(
        &'a self,
        _organisation: &'a str,
        bearer: &'a Bearer,
        authorization_id: &'a str,
    ) -> Pending<'a, Result<Option<PatFacts>, Failure>> {
        Box::pin(async move {
            self.check(&bearer.token)?;
            Ok(self.keys.lock().unwrap().get(authorization_id).map(|key| key.facts(authorization_id)))
        })
    }

    fn update<'a>(
        &'a self,
        _organisation: &'a str,
        bearer: &'a Bearer,
        change: &'a PatChange,
    ) -> Pending<'a, Result<PatFacts, Failure>> {
        Box::pin(async move {
            self.check(&bearer.token)?;
            if let Some(failure) = self.update_fails.lock().unwrap().clone() {
                return Err(failure);
            }
            let mut keys = self.keys.lock().unwrap();
            let Some(key) = keys.get_mut(&change.id) else {
                let refusal = Refusal::new(Reason::KeyForbidden, "no such token", "");
                return Err(Failure::new(FailureKind::Final, refusal));
            };
            key.name = change.name.clone().unwrap_or_else(|| key.name.clone());
            key.scope = change.scope.clone().unwrap_or_else(|| key.scope.clone());
            key.valid_to = change.expires_at.unwrap_or(key.valid_to);
            Ok(key.facts(&change.id))
        })
    }

    fn tenant_of<'a>(&'a self, _organisation: &'a str) -> Pending<'a, Result<OrganisationTenant, Failure>> {
        Box::pin(async move { Ok(self.tenant.lock().unwrap().clone()) })
    }
}
