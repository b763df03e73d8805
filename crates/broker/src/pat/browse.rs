//! Looking at tokens, changing them, revoking them.

use std::sync::Arc;

use valetkey_protocol::{PatChange, PatList, PatStatus, Pats, Reason, Refusal, Revoked, shown};

use super::make::title;
use crate::{
    Broker, Failure, PatFacts, Peer,
    accounts::Account,
    audit::Filled as _,
    broker::held,
    ledger::{Entry, State},
};

impl Broker {
    pub(super) async fn list_pats(self: &Arc<Self>, list: PatList, peer: &Peer) -> Result<Pats, Failure> {
        let (account, organisation) = self.account_for(list.organisation.as_deref())?;
        self.breakers.try_now();
        self.recover_pats().await;
        let page = self
            .with_token(&account, &organisation, |live, bearer| {
                let (list, organisation) = (&list, &organisation);
                async move { live.services.pats.page(organisation, &bearer, list).await }
            })
            .await?;
        self.note("pat-listed", &account, &organisation, "").by(peer).write(&*self.audit);
        let pats = page.pats.into_iter().map(|facts| self.status_of(&organisation, facts)).collect();
        Ok(Pats { pats, next: page.next })
    }

    pub(super) async fn show_pat(
        self: &Arc<Self>,
        organisation: Option<String>,
        id: &str,
        peer: &Peer,
    ) -> Result<PatStatus, Failure> {
        let (account, organisation) = self.account_for(organisation.as_deref())?;
        self.breakers.try_now();
        let facts = self.look_up(&account, &organisation, id).await?;
        self.note("pat-shown", &account, &organisation, &facts.display_name).by(peer).write(&*self.audit);
        Ok(self.status_of(&organisation, facts))
    }

    /// What the service says of a token.
    pub(super) async fn look_up(
        &self,
        account: &Account,
        organisation: &str,
        id: &str,
    ) -> Result<PatFacts, Failure> {
        let found = self
            .with_token(account, organisation, |live, bearer| async move {
                live.services.pats.get(organisation, &bearer, id).await
            })
            .await?;
        found.ok_or_else(|| no_such(organisation, id).into())
    }

    pub(super) async fn update_pat(
        self: &Arc<Self>,
        mut change: PatChange,
        peer: &Peer,
    ) -> Result<PatStatus, Failure> {
        let (account, organisation) = self.account_for(change.organisation.as_deref())?;
        self.breakers.try_now();
        let entry = self.ledger.by_id(&change.id);
        if entry.as_ref().is_some_and(|entry| entry.person.is_none() && entry.state == State::Minted) {
            return Err(of_the_agent(&change.id).into());
        }
        change.name = change.name.as_deref().map(title).transpose()?;
        let facts = self
            .with_token(&account, &organisation, |live, bearer| {
                let (change, organisation) = (&change, &organisation);
                async move { live.services.pats.update(organisation, &bearer, change).await }
            })
            .await?;
        if let Some(entry) = entry {
            let (now, nonce) = (facts.clone(), entry.nonce.clone());
            self.on_ledger(move |ledger| ledger.change(&nonce, |entry| follow(entry, now))).await;
        }
        self.note("pat-updated", &account, &organisation, &facts.display_name).by(peer).write(&*self.audit);
        Ok(self.status_of(&organisation, facts))
    }

    pub(super) async fn revoke_pat(
        self: &Arc<Self>,
        organisation: Option<String>,
        id: &str,
        peer: &Peer,
    ) -> Result<Revoked, Failure> {
        let (account, organisation) = self.account_for(organisation.as_deref())?;
        self.breakers.try_now();
        if let Some(entry) = self.ledger.by_id(id) {
            self.table().take(|key| key.entry.nonce == entry.nonce);
            self.to_load().remove(&entry.nonce);
            self.supersede(&entry, None).await;
            self.revoke_entry(&entry).await?;
        } else {
            self.delete_pat(&account, &organisation, id).await?;
        }
        self.note("pat-revoked", &account, &organisation, id).by(peer).write(&*self.audit);
        Ok(Revoked { revoked: 1, ..Revoked::default() })
    }

    /// Revokes a token; one that is gone is revoked.
    pub(super) async fn delete_pat(
        &self,
        account: &Account,
        organisation: &str,
        id: &str,
    ) -> Result<(), Failure> {
        self.with_token(account, organisation, |live, bearer| async move {
            live.services.pats.revoke(organisation, &bearer, id).await
        })
        .await?;
        held(&self.making.revoked).insert(id.to_ascii_lowercase());
        Ok(())
    }

    pub(super) fn note(
        &self,
        event: &str,
        account: &Account,
        organisation: &str,
        note: &str,
    ) -> valetkey_protocol::AuditRecord {
        let mut record = self.record(event).of_account(&account.username).noting(shown(note));
        organisation.clone_into(&mut record.organisation);
        record
    }
}

/// What the ledger says of a token follows what the person made of it.
fn follow(entry: &mut Entry, now: PatFacts) {
    entry.valid_to = now.valid_to;
    entry.scope = now.scope;
    if let Some(person) = &mut entry.person {
        person.title.clone_from(&now.display_name);
    }
    entry.name = now.display_name;
}

pub(super) fn no_such(organisation: &str, id: &str) -> Refusal {
    Refusal::new(
        Reason::BadRequest,
        format!("`{organisation}` has no personal access token `{}`", shown(id)),
        "`valetkey pat list` shows those there are",
    )
}

pub(super) fn of_the_agent(id: &str) -> Refusal {
    Refusal::new(
        Reason::BadRequest,
        format!("`{}` is a key that the agent hands out and renews by itself", shown(id)),
        "leave it to the agent; `valetkey keys revoke` takes it back",
    )
}
