//! Who is signed in, and for what: the state file. It holds no secret.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use valetkey_protocol::TokenSource;

use crate::policy::Place;

/// An organisation keys may be minted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Organisation {
    pub(crate) name: String,
    /// Its tenant, where it is not the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
}

/// A signed-in account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) organisations: Vec<Organisation>,
    /// Who lends its access tokens, where it did not sign in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<TokenSource>,
    /// It signed in through a registration whose tokens are handed out and cannot mint.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lends: bool,
    /// Signed out, and kept only until its last keys are revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) leaving: bool,
}

impl Account {
    /// Whether keys can be minted with it.
    pub(crate) fn mints(&self) -> bool {
        !self.lends && !matches!(self.source, Some(TokenSource::Machine(_)))
    }

    /// The tenant to get a token from for an organisation.
    pub(crate) fn tenant_for(&self, organisation: &str) -> &str {
        let known = self.organisations.iter().find(|known| known.name == organisation);
        known.and_then(|known| known.tenant.as_deref()).unwrap_or(&self.tenant)
    }

    pub(crate) fn may_use(&self, organisation: &str) -> bool {
        self.organisations.iter().any(|known| known.name == organisation)
    }

    pub(crate) fn is_called(&self, username: &str) -> bool {
        self.username.to_lowercase() == username.to_lowercase()
    }

    /// Whether a name without an `@` is what stands before it in this account's.
    fn is_called_in_short(&self, name: &str) -> bool {
        let before = self.username.to_lowercase();
        before.split_once('@').is_some_and(|(before, _)| before == name.to_lowercase())
    }

    pub(crate) fn organisation_names(&self) -> Vec<String> {
        self.organisations.iter().map(|organisation| organisation.name.clone()).collect()
    }

    /// Allows an organisation, or corrects its tenant.
    pub(crate) fn allow(&mut self, name: &str, tenant: Option<&str>) {
        let tenant = tenant.filter(|tenant| *tenant != self.tenant).map(str::to_owned);
        match self.organisations.iter_mut().find(|known| known.name == name) {
            Some(known) => known.tenant = tenant,
            None => self.organisations.push(Organisation { name: name.to_owned(), tenant }),
        }
    }
}

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    /// The account an organisation's keys are of, by its id, where several may be.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) usual: BTreeMap<String, String>,
    /// Locked, and so it stays across a restart.
    #[serde(default)]
    pub(crate) locked: bool,
}

/// The accounts, in memory and in the file. The last one signed in stands first: it is the usual one.
#[derive(Debug)]
pub(crate) struct Accounts {
    path: PathBuf,
    state: Mutex<State>,
    warning: Mutex<Option<String>>,
}

impl Accounts {
    /// Reads the file. One that cannot be understood is put aside, not overwritten, and a warning says so.
    pub(crate) fn load(path: PathBuf) -> Self {
        let (state, warning) = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(state) => (state, None),
                Err(_) => (State::default(), Some(put_aside(&path))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => (State::default(), None),
            Err(error) => (State::default(), Some(format!("`{}` cannot be read: {error}", path.display()))),
        };
        Self { path, state: Mutex::new(state), warning: Mutex::new(warning) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Vec<Account> {
        self.state().accounts.clone()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Account> {
        self.state().accounts.iter().find(|account| account.id == id).cloned()
    }

    pub(crate) fn locked(&self) -> bool {
        self.state().locked
    }

    pub(crate) fn warning(&self) -> Option<String> {
        let warning = self.warning.lock().unwrap_or_else(PoisonError::into_inner);
        warning.as_deref().map(valetkey_protocol::without_errno)
    }

    /// The account for an address. A short name before the host is a wish among accounts that may use the organisation.
    pub(crate) fn choose_for(&self, place: &Place) -> Option<Account> {
        let organisation = place.organisation.as_deref();
        if let (Some(nick), Some(name)) = (&place.nick, organisation) {
            let short = |account: &Account| {
                let username = account.username.to_lowercase();
                username.split('@').next() == Some(nick) && account.may_use(name) && !account.leaving
            };
            let meant: Vec<_> = self.snapshot().into_iter().filter(short).collect();
            if let [only] = meant.as_slice() {
                return Some(only.clone());
            }
        }
        self.choose(place.user.as_deref(), organisation)
    }

    /// The account for a request: the one the address names; else, of those that may use the organisation, the one
    /// that was chosen for it or signed in for it last; else any.
    pub(crate) fn choose(&self, user: Option<&str>, organisation: Option<&str>) -> Option<Account> {
        let state = self.state();
        let mut here = state.accounts.iter().filter(|account| !account.leaving);
        let usual = organisation.and_then(|name| state.usual.get(name));
        let allowed = |account: &&Account| match organisation {
            Some(name) => account.may_use(name),
            None => !account.organisations.is_empty(),
        };
        if let Some(user) = user {
            let named = |account: &&Account| account.is_called(user);
            let able = here.clone().filter(named).find(|account| account.mints());
            return able.or_else(|| here.find(named)).cloned();
        }
        let chosen = |account: &&Account| Some(&account.id) == usual && allowed(account);
        if let Some(chosen) = here.clone().find(chosen) {
            return Some(chosen.clone());
        }
        let able = here.clone().filter(allowed).find(|account| account.mints());
        able.or_else(|| here.clone().find(allowed)).or_else(|| here.next()).cloned()
    }

    /// The organisations whose keys are of this account unless an address names another.
    pub(crate) fn used_for(&self, account: &Account) -> Vec<String> {
        let mut names = account.organisation_names();
        names.retain(|name| self.choose(None, Some(name)).is_some_and(|chosen| chosen.id == account.id));
        names
    }

    /// Those that a person means by a name: the whole of it, or what stands before the `@` where that is one person's.
    pub(crate) fn meant(&self, name: &str) -> Vec<Account> {
        let mut accounts = self.snapshot();
        if accounts.iter().any(|account| account.is_called(name)) {
            accounts.retain(|account| account.is_called(name));
            return accounts;
        }
        accounts.retain(|account| account.is_called_in_short(name));
        let one =
            accounts.first().is_some_and(|first| accounts.iter().all(|it| it.is_called(&first.username)));
        if one { accounts } else { Vec::new() }
    }

    /// Changes the state and writes the file. The change holds in memory even if the disk refuses. Blocks.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> (T, io::Result<()>) {
        let mut state = self.state();
        let result = change(&mut state);
        let written = serde_json::to_vec_pretty(&*state)
            .map_err(io::Error::from)
            .and_then(|bytes| crate::files::replace(&self.path, &bytes));
        *self.warning.lock().unwrap_or_else(PoisonError::into_inner) = written
            .as_ref()
            .err()
            .map(|error| format!("`{}` cannot be written: {error}", self.path.display()));
        (result, written)
    }
}

fn put_aside(path: &std::path::Path) -> String {
    let aside = path.with_extension("unreadable");
    match std::fs::rename(path, &aside) {
        Ok(()) => format!("the state file was not understood and is now `{}`", aside.display()),
        Err(_) => format!("`{}` is not understood", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, organisations: &[&str]) -> Account {
        let mut account = Account {
            id: id.to_owned(),
            username: format!("{id}@contoso.com"),
            tenant: "home".to_owned(),
            client_id: "client".to_owned(),
            organisations: Vec::new(),
            source: None,
            lends: false,
            leaving: false,
        };
        for name in organisations {
            account.allow(name, None);
        }
        account
    }

    fn accounts() -> (tempfile::TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::load(folder.path().join("state.json"));
        let both = vec![account("Alice", &["contoso"]), account("bob", &["contoso", "fabrikam"])];
        accounts.change(|state| state.accounts = both).1.unwrap();
        (folder, accounts)
    }

    #[test]
    fn the_address_then_the_organisation_then_custom_chooses() {
        let (_folder, accounts) = accounts();
        let chosen = |user, organisation| accounts.choose(user, organisation).map(|account| account.id);
        assert_eq!(chosen(None, None).as_deref(), Some("Alice"));
        assert_eq!(chosen(None, Some("fabrikam")).as_deref(), Some("bob"));
        assert_eq!(chosen(None, Some("elsewhere")).as_deref(), Some("Alice"));
        assert_eq!(chosen(Some("bob@contoso.com"), Some("contoso")).as_deref(), Some("bob"));
        assert_eq!(chosen(Some("alice@contoso.com"), None).as_deref(), Some("Alice"));
        assert_eq!(chosen(Some("eve@contoso.com"), Some("contoso")), None);
    }

    #[test]
    fn one_that_was_chosen_goes_before_one_that_came_later() {
        let (_folder, accounts) = accounts();
        accounts.change(|state| state.usual.insert("contoso".to_owned(), "bob".to_owned())).1.unwrap();
        let chosen = || accounts.choose(None, Some("contoso")).map(|account| account.id);
        assert_eq!(chosen().as_deref(), Some("bob"));
        assert_eq!(accounts.used_for(&accounts.find("bob").unwrap()), ["contoso", "fabrikam"]);
        assert!(accounts.used_for(&accounts.find("Alice").unwrap()).is_empty());
        accounts.change(|state| state.accounts[1].leaving = true).1.unwrap();
        assert_eq!(chosen().as_deref(), Some("Alice"), "one that leaves is not chosen");
    }

    #[test]
    fn an_account_without_organisations_does_not_stand_before_one_that_has_some() {
        let (_folder, accounts) = accounts();
        accounts.change(|state| state.accounts.insert(0, account("carol", &[]))).1.unwrap();
        assert_eq!(accounts.choose(None, None).map(|account| account.id).as_deref(), Some("Alice"));
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (folder, accounts) = accounts();
        accounts.change(|state| state.locked = true).1.unwrap();
        let again = Accounts::load(folder.path().join("state.json"));
        assert_eq!((again.snapshot(), again.locked()), (accounts.snapshot(), true));
    }

    #[test]
    fn a_file_not_understood_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        std::fs::write(&path, "{nonsense").unwrap();
        let accounts = Accounts::load(path.clone());
        assert!(accounts.warning().unwrap().contains("not understood"));
        accounts.change(|state| state.locked = true).1.unwrap();
        assert_eq!(std::fs::read_to_string(path.with_extension("unreadable")).unwrap(), "{nonsense");
        assert_eq!(accounts.warning(), None);
    }

    #[test]
    fn a_guest_organisation_has_a_tenant_of_its_own() {
        let mut account = account("alice", &[]);
        account.allow("contoso", Some("home"));
        account.allow("fabrikam", Some("away"));
        assert_eq!((account.tenant_for("contoso"), account.tenant_for("fabrikam")), ("home", "away"));
        assert_eq!(account.organisations[0].tenant, None);
    }
}
