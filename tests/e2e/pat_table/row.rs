//! Situations, and how the emulator makes them.

use anyhow::Result;
use valetkey_emulator::{Action, Fault, Host};
use valetkey_tests::Rig;

/// A situation that ends in one way, whichever of its cases it is.
pub(super) struct Row {
    pub(super) situation: &'static str,
    /// What the service says in all cases.
    pub(super) says: &'static str,
    pub(super) cases: Vec<Case>,
}

/// One thing that the service says.
pub(super) struct Case {
    /// What tells it from the others of its row, as the person reads it; empty where there are none.
    pub(super) mark: String,
    pub(super) comes_about: ComesAbout,
}

type ComesAbout = Box<dyn Fn(&Rig) -> Result<()>>;

impl Case {
    pub(super) fn new(mark: impl Into<String>, comes_about: impl Fn(&Rig) -> Result<()> + 'static) -> Self {
        Self { mark: mark.into(), comes_about: Box::new(comes_about) }
    }

    pub(super) fn fault(mark: impl Into<String>, fault: Fault) -> Self {
        Self::new(mark, move |rig| {
            rig.control().fault(fault.clone());
            Ok(())
        })
    }
}

impl Row {
    /// What the service says, with all that its cases say.
    pub(super) fn says(&self) -> String {
        let mut marks: Vec<_> = self.cases.iter().map(|case| case.mark.as_str()).collect();
        marks.dedup();
        match marks.first() {
            None | Some(&"") => self.says.to_owned(),
            Some(name) if name.starts_with('`') => format!("{} {}", self.says, marks.join(", ")),
            Some(_) => format!("{}, {}", self.says, marks.join(", ")),
        }
    }
}

/// A situation of one case.
pub(super) fn row(
    situation: &'static str,
    says: &'static str,
    comes_about: impl Fn(&Rig) -> Result<()> + 'static,
) -> Row {
    Row { situation, says, cases: vec![Case::new("", comes_about)] }
}

/// Requests that make a token.
pub(super) fn posting(action: Action) -> Fault {
    Fault::new(action).host(Host::Vssps).method("POST").path("tokens/pats").always()
}

/// Every request that makes a token goes wrong in this way.
pub(super) fn post(situation: &'static str, says: &'static str, action: Action) -> Row {
    posts(situation, says, [action])
}

/// The same in several ways that look alike to a person.
pub(super) fn posts(
    situation: &'static str,
    says: &'static str,
    actions: impl IntoIterator<Item = Action>,
) -> Row {
    let cases = actions.into_iter().map(|action| Case::fault("", posting(action))).collect();
    Row { situation, says, cases }
}

/// A 200 without a token (Microsoft: PAT Lifecycle Management API, `patTokenError`).
pub(super) fn refused(situation: &'static str, names: &[&'static str]) -> Row {
    Row { situation, says: "200, `patTokenError`", cases: named(names, posting) }
}

/// The names of refusals, each to a request of that kind.
pub(super) fn named(names: &[&'static str], request: fn(Action) -> Fault) -> Vec<Case> {
    let case = |name: &&str| {
        Case::fault(format!("`{name}`"), request(Action::PatError { name: (*name).to_owned() }))
    };
    names.iter().map(case).collect()
}

/// Microsoft Entra refuses the refresh token: the emulator's names of the refusals, and their numbers.
pub(super) fn entra(situation: &'static str, says: &'static str, refusals: &[(&'static str, u32)]) -> Row {
    Row { situation, says, cases: numbered(refusals, refreshing) }
}

/// Requests that redeem a refresh token.
pub(super) fn refreshing(action: Action) -> Fault {
    Fault::new(action).host(Host::Login).grant("refresh_token").always()
}

/// Refusals of Microsoft Entra, each to a request of that kind.
pub(super) fn numbered(refusals: &[(&'static str, u32)], request: fn(Action) -> Fault) -> Vec<Case> {
    let case =
        |&(name, number): &(&str, u32)| Case::fault(format!("AADSTS{number}"), request(Action::entra(name)));
    refusals.iter().map(case).collect()
}
