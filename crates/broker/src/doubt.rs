//! A feed's key that is said to be refused: whether it is really dead.
//!
//! NuGet keeps one password per host and shows it to every organisation there, so that most refusals it reports are
//! of another organisation's key; and a push without the right to push is refused like a dead key. The service that
//! made the key knows better than whoever refused it.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    Broker, Failure,
    accounts::Account,
    keys::{Key, KeyName},
    mint::refused_again,
};

impl Broker {
    /// The key, where it need not be replaced; nothing, where it is dead and may be.
    ///
    /// Where the service cannot be asked, the key gets the benefit of the doubt once.
    pub(crate) async fn cleared(
        &self,
        name: &KeyName,
        account: &Account,
    ) -> Result<Option<Arc<Key>>, Failure> {
        let wait = self.table().slot(name).pace(self.clock.monotonic());
        tokio::time::sleep(wait).await;
        let Some(key) = self.table().slot(name).key.clone() else { return Ok(None) };
        match self.is_listed(account, &key).await {
            Ok(true) => {
                key.doubted.store(false, Ordering::Relaxed);
                Ok(Some(key))
            }
            Ok(false) => {
                key.suspect.store(true, Ordering::Relaxed);
                let may = self.table().slot(name).may_force(self.clock.monotonic());
                if may { Ok(None) } else { Err(refused_again(name).into()) }
            }
            Err(_) if !key.doubted.swap(true, Ordering::Relaxed) => Ok(Some(key)),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the service lists the key as one that works.
    async fn is_listed(&self, account: &Account, key: &Key) -> Result<bool, Failure> {
        let organisation = key.entry.organisation.as_str();
        let listed = self
            .with_token(account, organisation, |live, bearer| async move {
                live.services.pats.list(organisation, &bearer).await
            })
            .await?;
        let now = self.clock.now();
        Ok(listed.iter().any(|listed| {
            Some(&listed.authorization_id) == key.entry.authorization_id.as_ref() && now < listed.valid_to
        }))
    }
}
