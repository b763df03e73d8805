//! Whose tokens of which organisation are meant.

use valetkey_protocol::{Machine, Reason, Refusal, TokenSource, shown};

use crate::{Broker, accounts::Account, policy::organisation_name};

impl Broker {
    /// The account to ask with, and the organisation: the one that is named, or the only one there is.
    pub(super) fn account_for(&self, organisation: Option<&str>) -> Result<(Account, String), Refusal> {
        let organisation = match organisation {
            Some(name) => organisation_name(name).ok_or_else(|| no_name(name))?,
            None => self.only_organisation()?,
        };
        let login = format!("run `valetkey login {organisation}`");
        let account = self.accounts.choose(None, Some(&organisation));
        let account =
            account.ok_or_else(|| Refusal::new(Reason::NeedsLogin, "nobody is signed in", &login))?;
        if !account.organisation_names().contains(&organisation) {
            let sentence = format!("nobody signed in here for organisation `{organisation}`");
            return Err(Refusal::new(Reason::OrganisationNotAllowed, sentence, login));
        }
        if let Some(TokenSource::Machine(machine)) = &account.source {
            return Err(not_a_person(&account.username, machine, &organisation));
        }
        Ok((account, organisation))
    }

    fn only_organisation(&self) -> Result<String, Refusal> {
        let mut names: Vec<String> = self
            .accounts
            .snapshot()
            .iter()
            .filter(|account| !account.leaving)
            .flat_map(Account::organisation_names)
            .collect();
        names.sort();
        names.dedup();
        match names.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Refusal::new(Reason::NeedsLogin, "nobody is signed in", "run `valetkey login ORG`")),
            [first, ..] => Err(Refusal::new(
                Reason::OrganisationUnknown,
                format!("you are signed in for {} organisations", names.len()),
                format!("say which one, as in `--org {first}`"),
            )),
        }
    }
}

fn not_a_person(username: &str, machine: &Machine, organisation: &str) -> Refusal {
    let hint = format!(
        "git and NuGet get its Entra tokens and need none; for one of your own run `valetkey login {organisation}`"
    );
    let sentence = format!(
        "`{}` is {machine}, and Azure DevOps gives personal access tokens to people only",
        shown(username)
    );
    Refusal::new(Reason::KeyForbidden, sentence, hint)
}

fn no_name(name: &str) -> Refusal {
    let sentence = format!("`{}` is not the name of an organisation", shown(name));
    Refusal::new(Reason::OrganisationUnknown, sentence, "give its name, such as `contoso`")
}
