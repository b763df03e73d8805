//! Where a policy made another kind of key necessary, remembered for an hour so that a policy that was lifted is
//! noticed, and beyond the agent's end.

use std::{collections::HashMap, time::Duration};

use valetkey_protocol::{Detour, Issuer, Refusal};

use crate::{
    Broker, Purpose,
    accounts::{Account, Accounts},
    audit::Filled as _,
    broker::held,
    keys::{KeyName, Moment},
    memory::{KeptDetour, Memory},
};

/// How long another kind of key is given without trying the usual one.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Another kind of key than the usual one.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) issuer: Issuer,
    refusal: Refusal,
    until: Moment,
}

impl Taken {
    /// Seconds for which it is believed: the less of what the two clocks say.
    fn left(&self, now: Moment) -> u64 {
        let by_wall = self.until.wall.saturating_sub(now.wall);
        by_wall.min(self.until.monotonic.saturating_sub(now.monotonic).as_secs())
    }
}

/// Where policies made another kind of key necessary.
pub(crate) type Detours = HashMap<KeyName, Taken>;

/// Detours of an earlier run, of accounts that are still there. A clock that was set back makes none of them longer.
pub(crate) fn recalled(memory: &Memory, service: &str, accounts: &Accounts, now: Moment) -> Detours {
    let mut detours = Detours::new();
    for kept in memory.detours() {
        let left = kept.until.saturating_sub(now.wall).min(REMEMBERED.as_secs());
        let known = kept.service == service && accounts.find(&kept.account).is_some();
        if let (true, 1.., Some(purpose)) = (known, left, Purpose::of_scope(&kept.scope)) {
            let KeptDetour { account, organisation, issuer, refusal, .. } = kept;
            let until =
                Moment { wall: now.wall + left, monotonic: now.monotonic + Duration::from_secs(left) };
            detours.insert(KeyName { account, organisation, purpose }, Taken { issuer, refusal, until });
        }
    }
    detours
}

impl Broker {
    /// Detours for people.
    pub fn detours(&self) -> Vec<Detour> {
        let now = self.moment();
        let detours = held(&self.detours);
        let live = detours.iter().filter(|(_, taken)| taken.left(now) > 0);
        let mut told: Vec<_> = live
            .map(|(name, taken)| Detour {
                organisation: name.organisation.clone(),
                scope: name.purpose.scope().to_owned(),
                issuer: taken.issuer,
                sentence: taken.refusal.sentence.clone(),
                seconds: taken.left(now),
            })
            .collect();
        told.sort_by(|a, b| (&a.organisation, &a.scope).cmp(&(&b.organisation, &b.scope)));
        told
    }

    /// The kind that served last where the usual one is refused.
    pub(crate) fn detour(&self, name: &KeyName) -> Option<Issuer> {
        let now = self.moment();
        held(&self.detours).get(name).filter(|taken| taken.left(now) > 0).map(|taken| taken.issuer)
    }

    pub(crate) async fn forget_detour(&self, name: &KeyName) {
        let gone = held(&self.detours).remove(name);
        if gone.is_some() {
            self.keep_detours().await;
        }
    }

    /// Those of an account that is gone: signing in anew starts with the usual kind.
    pub(crate) async fn forget_detours_of(&self, account: &str) {
        let gone = {
            let mut detours = held(&self.detours);
            let before = detours.len();
            detours.retain(|name, _| name.account != account);
            detours.len() != before
        };
        if gone {
            self.keep_detours().await;
        }
    }

    /// Another configuration may lead elsewhere. Blocks.
    pub(crate) fn forget_detours(&self) {
        held(&self.detours).clear();
        self.memory.set_detours(Vec::new());
        self.memory.write();
    }

    pub(crate) async fn remember(&self, name: &KeyName, issuer: Issuer, refusal: Refusal, account: &Account) {
        self.record("detour")
            .of_account(&account.username)
            .noting(format!("{issuer} for `{}`: {}", name.organisation, refusal.sentence))
            .write(&*self.audit);
        let now = self.moment();
        let until = Moment { wall: now.wall + REMEMBERED.as_secs(), monotonic: now.monotonic + REMEMBERED };
        held(&self.detours).insert(name.clone(), Taken { issuer, refusal, until });
        self.keep_detours().await;
    }

    async fn keep_detours(&self) {
        let (service, now) = (self.live().settings.service(), self.moment());
        let kept = held(&self.detours)
            .iter()
            .filter(|(_, taken)| taken.left(now) > 0)
            .map(|(name, taken)| KeptDetour {
                service: service.clone(),
                account: name.account.clone(),
                organisation: name.organisation.clone(),
                scope: name.purpose.scope().to_owned(),
                issuer: taken.issuer,
                refusal: taken.refusal.clone(),
                until: now.wall + taken.left(now),
            })
            .collect();
        self.memory.set_detours(kept);
        self.keep_memory().await;
    }
}
