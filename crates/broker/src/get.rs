//! Questions for keys, and hints that one did not work.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::{
    Answer, Credential, EraseRequest, GetRequest, Operation, Reason, Refusal, is_clean, same_secret, shown,
};

use crate::{
    Broker, Peer, Purpose,
    accounts::Account,
    audit::Filled as _,
    broker::held,
    choice,
    flight::{Refused, signed_out},
    keys::{Key, KeyName},
    policy::{self, Place},
};

/// User name where the request brings none. Azure DevOps reads the key only.
const USERNAME: &str = "valetkey";

/// What is to be handed out.
struct Wanted<'a> {
    name: &'a KeyName,
    refused: Refused<'a>,
    /// For the audit trail.
    feed: Option<&'a str>,
}

impl Broker {
    /// Answers a question for a key with [`Answer::Credential`] or [`Answer::Refused`]. A caller that goes away ends
    /// nothing.
    ///
    /// Between this and the last byte written hold a [`crate::Pass`], so that nothing is given after a lock.
    pub async fn get(self: &Arc<Self>, request: GetRequest, peer: Peer) -> Answer {
        match self.try_get(&request, &peer).await {
            Ok(credential) => Answer::Credential(credential),
            Err((refusal, account)) => {
                let username = account.map_or_else(String::new, |account| account.username);
                self.record("refused").of_account(&username).because(&refusal).by(&peer).write(&*self.audit);
                Answer::Refused(refusal)
            }
        }
    }

    async fn try_get(
        self: &Arc<Self>,
        request: &GetRequest,
        peer: &Peer,
    ) -> Result<Credential, (Refusal, Option<Account>)> {
        let live = self.live();
        let hosts = live.settings.hosts();
        let place = policy::place(&request.target, &hosts).map_err(|refusal| (refusal, None))?;
        if self.is_locked() {
            return Err((locked(), None));
        }
        let account = self.accounts.choose_for(&place);
        let allowed = account.as_ref().map(Account::organisation_names);
        let allow_write = live.settings.allow_write;
        let refused_by = |refusal| (refusal, account.clone());
        let decision = policy::decide(&place, request.operation, allow_write, &hosts, allowed.as_deref())
            .map_err(|refusal| choice::explained(refusal, &place, &self.accounts.snapshot()))
            .map_err(refused_by)?;
        let account = account.clone().ok_or_else(|| (signed_out(&decision.organisation), None))?;
        let (name, refused) = self.named(request, &account, decision, allow_write);
        let wanted = Wanted { name: &name, refused, feed: place.feed.as_deref() };
        self.hand_out(request, peer, &account, wanted).await.map_err(|refusal| (refusal, Some(account)))
    }

    /// The key that is wanted. A read key that was refused where nobody said what for becomes a write key: the refusal
    /// of a push looks like any other.
    fn named<'a>(
        &self,
        request: &'a GetRequest,
        account: &Account,
        decision: policy::Decision,
        allow_write: bool,
    ) -> (KeyName, Refused<'a>) {
        let policy::Decision { organisation, mut purpose } = decision;
        let mut refused = request.refused.as_deref().map_or(Refused::Nothing, Refused::Key);
        if let (Refused::Key(state), true) = (refused, allow_write && says_nothing(request.operation))
            && self.table().purpose_of(&account.id, &organisation, state) == Some(Purpose::CodeRead)
        {
            purpose = Purpose::CodeWrite;
            refused = Refused::Nothing;
        }
        (KeyName { account: account.id.clone(), organisation, purpose }, refused)
    }

    async fn hand_out(
        self: &Arc<Self>,
        request: &GetRequest,
        peer: &Peer,
        account: &Account,
        Wanted { name, refused, feed }: Wanted<'_>,
    ) -> Result<Credential, Refusal> {
        let may_retry = held(&self.callers).answer(request.caller, &name.organisation, request.can_retry)?;
        let obtained = self.obtain(name, refused).await;
        let in_background = || self.is_in_background(peer);
        self.summon(account, &name.organisation, obtained.as_ref().err(), in_background);
        let (key, fresh) = obtained?;
        let _pass = self.pass().await.ok_or_else(locked)?;
        if self.accounts.find(&account.id).is_none_or(|account| account.leaving) {
            return Err(signed_out(&name.organisation));
        }
        key.handed_out.fetch_add(1, Ordering::Relaxed);
        let note = feed.map_or_else(String::new, |feed| format!("feed {}", shown(feed)));
        self.record("handed-out")
            .of_key(&key.entry, &account.username)
            .noting(note)
            .by(peer)
            .write_after_the_answer(&*self.audit);
        let works = request.refused.is_none() && !key.suspect.load(Ordering::Relaxed);
        let notice = (peer.is_read && works).then(|| self.notice(account, &key, peer)).flatten();
        let username = request.target.username.as_deref().filter(|name| is_username(name));
        Ok(Credential {
            username: username.unwrap_or(USERNAME).to_owned(),
            password: key.secret.clone(),
            expires_at: key.entry.valid_to,
            key: key.entry.id().to_owned(),
            scope: key.entry.scope.clone(),
            organisation: key.entry.organisation.clone(),
            state: key.state().to_owned(),
            may_retry,
            fresh,
            notice,
        })
    }

    /// What a person should know early: there will be no other key after this one.
    fn notice(&self, account: &Account, key: &Key, peer: &Peer) -> Option<Refusal> {
        let organisation = &key.entry.organisation;
        let tenant = account.tenant_for(organisation);
        let problem = self.sessions.problems.notice(&account.id, tenant, || !self.is_in_background(peer))?;
        let Refusal { reason, sentence, hint, .. } = choice::named(problem, account, organisation);
        let minutes = key.left(self.moment()) / 60;
        let left = match minutes / 60 {
            0 => format!("{minutes} min"),
            hours => format!("{hours} h {} min", minutes % 60),
        };
        Some(Refusal::new(reason, format!("{sentence}; this key works for {left} more"), hint))
    }

    /// Takes a hint that a key was refused. If it is one that is held, the next question gets a new one, at most one
    /// in thirty seconds; anything else changes nothing. A redirect to a hostile host can provoke such hints.
    pub fn erase(&self, request: &EraseRequest, peer: &Peer) -> Answer {
        let place = match policy::place(&request.target, &self.live().settings.hosts()) {
            Ok(place) => place,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let table = self.table();
        let named = table.keys().find(|key| same_secret(&key.secret, &request.secret));
        if let Some(key) = named
            && concerns(&place, key)
            && !key.suspect.swap(true, Ordering::Relaxed)
        {
            self.record("suspected").of_key(&key.entry, "").by(peer).write(&*self.audit);
        }
        Answer::Done
    }
}

/// Whether a refusal there says anything of the key: one organisation's key is refused by every other's addresses.
fn concerns(place: &Place, key: &Key) -> bool {
    let same = place.organisation.as_ref().is_none_or(|organisation| *organisation == key.entry.organisation);
    same && Purpose::of_scope(&key.entry.scope).is_some_and(|purpose| purpose.product() == place.product)
}

fn says_nothing(operation: Option<Operation>) -> bool {
    matches!(operation, None | Some(Operation::Unknown))
}

/// Whether a name can stand before the colon of HTTP Basic.
fn is_username(name: &str) -> bool {
    !name.is_empty() && !name.contains(':') && is_clean(name)
}

fn locked() -> Refusal {
    Refusal::new(Reason::Locked, "the agent is locked", "run `valetkey unlock`")
}
