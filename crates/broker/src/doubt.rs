//! A feed's key that is said to be refused: whether it is really dead.
//!
//! NuGet keeps one password per host and shows it to every organisation there, so that most refusals it reports are
//! of another organisation's key; and a push without the right to push is refused like a dead key. The service that
//! made the key knows better than whoever refused it.

use std::sync::{Arc, atomic::Ordering};

use valetkey_protocol::Issuer;

use crate::{
    Bearer, Broker, Failure, FailureKind,
    accounts::Account,
    flight::refused_again,
    keys::{Key, KeyName},
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

    /// Whether the organisation takes the access token that the key is.
    async fn is_recognised(&self, account: &Account, key: &Key) -> Result<bool, Failure> {
        let bearer = Bearer {
            token: key.secret.clone(),
            tenant: account.tenant_for(&key.entry.organisation).to_owned(),
            serial: key.serial.unwrap_or_default(),
            expires_at: key.entry.valid_to,
        };
        match self.live().services.pats.recognise(&key.entry.organisation, &bearer).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.kind == FailureKind::Transient => Err(failure),
            Err(_) => Ok(false),
        }
    }

    /// Whether the service lists the key as one that works.
    async fn is_listed(&self, account: &Account, key: &Key) -> Result<bool, Failure> {
        let organisation = key.entry.organisation.as_str();
        match key.issuer {
            Issuer::Pat => {}
            Issuer::Entra => return self.is_recognised(account, key).await,
            // In no list: a new one costs nothing.
            _ => return Ok(false),
        }
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
