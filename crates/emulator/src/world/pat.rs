//! A personal access token and its life.

use crate::clock::Time;

/// One token. It is never forgotten: an expired or revoked one answers differently from an unknown one.
#[derive(Debug, Clone)]
pub(crate) struct Pat {
    pub(crate) authorization_id: String,
    pub(crate) token: String,
    pub(crate) display_name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) owner: String,
    pub(crate) organisation: String,
    pub(crate) created: Time,
    pub(crate) valid_from: Time,
    pub(crate) valid_to: Time,
    /// When the revocation takes effect.
    pub(crate) revoked_from: Option<Time>,
    /// Made by the test itself, so no client answers for it.
    pub(crate) by_control: bool,
    /// Shown by the PAT API; self-describing session tokens are not.
    pub(crate) listed: bool,
    pub(crate) uses: u64,
}

impl Pat {
    pub(crate) fn is_revoked(&self, now: Time) -> bool {
        self.revoked_from.is_some_and(|from| from <= now)
    }

    pub(crate) fn is_expired(&self, now: Time) -> bool {
        self.valid_to <= now
    }

    pub(crate) fn is_live(&self, now: Time) -> bool {
        !self.is_revoked(now) && !self.is_expired(now)
    }

    /// When the token stopped or stops opening anything.
    pub(crate) fn end(&self) -> Time {
        self.revoked_from.map_or(self.valid_to, |revoked| revoked.min(self.valid_to))
    }
}
