//! Which account serves an organisation, and what a person reads where none of those signed in does.

use valetkey_protocol::{Answer, Flow, LoginRequest, Reason, Refusal, UseAccount};

use crate::{
    Broker, Failure, FailureKind, Peer,
    accounts::Account,
    audit::Filled as _,
    policy::{Place, organisation_name},
};

impl Broker {
    /// Takes the keys of an organisation from an account from now on. An account that was not signed in for the
    /// organisation is tried there; nobody is asked anything.
    pub async fn use_account(&self, choice: &UseAccount, peer: &Peer) -> Answer {
        match self.try_use_account(choice).await {
            Ok((account, organisation)) => {
                let mut record = self.record("account-chosen").of_account(&account.username).by(peer);
                record.organisation = organisation;
                record.write(&*self.audit);
                let organisations = account.organisation_names();
                let Account { username: account, tenant, .. } = account;
                Answer::SignedIn { account, tenant, organisations, silent: true }
            }
            Err(refusal) => {
                self.record("refused").because(&refusal).by(peer).write(&*self.audit);
                Answer::Refused(refusal)
            }
        }
    }

    async fn try_use_account(&self, choice: &UseAccount) -> Result<(Account, String), Refusal> {
        let organisation = organisation_name(&choice.organisation).ok_or_else(|| {
            let sentence = format!("`{}` is not the name of an organisation", choice.organisation);
            Refusal::new(Reason::Configuration, sentence, "give its name as in `https://dev.azure.com/NAME`")
        })?;
        let here = self.accounts.snapshot();
        let mut called = self.accounts.meant(&choice.account);
        called.retain(|account| !account.leaving);
        called.sort_by_key(|account| (!account.mints(), !account.may_use(&organisation)));
        let Some(account) = called.first() else {
            return Err(unknown(&choice.account, Some(&organisation), &here, ""));
        };
        if account.may_use(&organisation) {
            let (name, id) = (organisation.clone(), account.id.clone());
            self.change_accounts(move |state| drop(state.usual.insert(name, id))).await;
            return Ok((account.clone(), organisation));
        }
        let request = LoginRequest {
            organisation: Some(organisation.clone()),
            tenant: None,
            client_id: Some(account.client_id.clone()),
            flow: Flow::Browser,
            fresh: false,
            account: Some(account.username.clone()),
            from: account.source.clone(),
        };
        let (nobody, _) = tokio::sync::mpsc::channel(1);
        let plan = self.plan(&request, &nobody).await;
        let plan = plan.map_err(|refusal| named(refusal, account, &organisation))?;
        let account = self.silently(account, &plan).await.map_err(|failure| failure.refusal)?;
        Ok((account, organisation))
    }

    /// The same failure, naming the account and the command that helps.
    pub(crate) fn about(&self, mut failure: Failure, account: &Account, organisation: &str) -> Failure {
        failure.refusal = named(failure.refusal, account, organisation);
        if failure.refusal.reason != Reason::AccessDenied && failure.kind != FailureKind::WrongTenant {
            return failure;
        }
        let others = self.accounts.snapshot();
        let is_another = |other: &&Account| !other.leaving && !other.is_called(&account.username);
        let other = others.iter().find(|other| is_another(other) && other.may_use(organisation));
        let way = match other {
            Some(other) => format!("`valetkey account use {organisation} {}`", other.username),
            None => format!("`valetkey login {organisation} --fresh`"),
        };
        let refusal = &failure.refusal;
        let hint = match refusal.reason {
            // Entra says so: signing in as the same person again leads back here.
            Reason::Configuration => format!("to use an account that is one run {way}"),
            _ => format!("{}; to use another account run {way}", refusal.hint),
        };
        let sentence = refusal.sentence.replace("this tenant", &format!("the tenant of `{organisation}`"));
        let retry_after = refusal.retry_after;
        failure.refusal = Refusal::new(refusal.reason, sentence, hint);
        failure.refusal.retry_after = retry_after;
        failure
    }
}

/// The same refusal, with the account's name where it says "this account", and a command that can be run as it stands.
pub(crate) fn named(refusal: Refusal, account: &Account, organisation: &str) -> Refusal {
    let who = format!("`{}`", account.username);
    let mut sentence = refusal.sentence;
    let mut hint = refusal.hint;
    for text in [&mut sentence, &mut hint] {
        for unnamed in ["this account", "the account", "your account"] {
            *text = text.replace(unnamed, &who);
        }
    }
    if account.source.is_none() {
        let exact = login(organisation, Some(&account.username));
        for loose in ["`valetkey login`".to_owned(), format!("`valetkey login {organisation}`")] {
            hint = hint.replace(&loose, &exact);
        }
    }
    let mut named = Refusal::new(refusal.reason, sentence, hint);
    named.retry_after = refusal.retry_after;
    named
}

/// A refusal of the policy, told with who is signed in.
pub(crate) fn explained(refusal: Refusal, place: &Place, accounts: &[Account]) -> Refusal {
    let organisation = place.organisation.as_deref();
    match (refusal.reason, &place.user) {
        (Reason::NeedsLogin, Some(user)) => {
            unknown(user, organisation, accounts, ", or take the name out of the address")
        }
        (Reason::OrganisationNotAllowed, user) => {
            let org = organisation.unwrap_or_default();
            let able = listed(accounts.iter().filter(|account| account.may_use(org)));
            match (user, able) {
                (Some(user), Some(able)) => Refusal::new(
                    refusal.reason,
                    format!("the address names `{user}`, and `{org}` is used here as {able}"),
                    format!("take the name out of the address, or run {}", login(org, Some(user))),
                ),
                (Some(user), None) => Refusal::new(
                    refusal.reason,
                    format!("you are signed in as `{user}`, but not for organisation `{org}`"),
                    format!("run {}", login(org, Some(user))),
                ),
                (None, _) => Refusal::new(
                    refusal.reason,
                    format!("{}, but not for organisation `{org}`", signed_in(accounts)),
                    &refusal.hint,
                ),
            }
        }
        _ => refusal,
    }
}

/// The refusal of an account that is not there.
fn unknown(user: &str, organisation: Option<&str>, accounts: &[Account], or: &str) -> Refusal {
    Refusal::new(
        Reason::NeedsLogin,
        not_here(user, accounts),
        format!("run {}{or}", login(organisation.unwrap_or("ORGANISATION"), Some(user))),
    )
}

/// What is said of an account that is to leave and is not there.
pub(crate) fn not_here(user: &str, accounts: &[Account]) -> String {
    format!("`{user}` is not signed in: {}", signed_in(accounts))
}

/// The refusal of a sign-in by another person than the one that was meant.
pub(crate) fn somebody_else(meant: &str, came: &str, organisation: Option<&str>) -> Refusal {
    Refusal::new(
        Reason::SignInAbandoned,
        format!("you signed in as `{came}`, and `{meant}` was asked for"),
        format!("run {} and choose `{meant}`", login(organisation.unwrap_or_default(), Some(meant))),
    )
}

fn signed_in(accounts: &[Account]) -> String {
    match listed(accounts.iter()) {
        Some(names) => format!("you are signed in as {names}"),
        None => "nobody is signed in".to_owned(),
    }
}

fn listed<'a>(accounts: impl Iterator<Item = &'a Account>) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for account in accounts.filter(|account| !account.leaving) {
        let name = format!("`{}`", account.username);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let last = names.pop()?;
    Some(if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) })
}

/// The command that signs in. A name that a shell would not take as it stands is left out.
fn login(organisation: &str, account: Option<&str>) -> String {
    let plain = |name: &&str| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_alphanumeric() || "@._+-".contains(c))
    };
    let organisation = Some(organisation).filter(|name| !name.is_empty());
    let account = account.filter(plain).map(|name| format!("--account {name}"));
    let words =
        ["valetkey login".to_owned()].into_iter().chain(organisation.map(str::to_owned)).chain(account);
    format!("`{}`", words.collect::<Vec<_>>().join(" "))
}
