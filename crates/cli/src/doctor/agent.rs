//! The agent: whether a program that asks now is given a key.

use valetkey_protocol::{Answer, Request, SessionState, StatusReport, VaultState, shown};

use super::Finding;
use crate::{
    agent::{Agent, Start, Unreachable, ask},
    failure::usual_step,
};

const CHECK: &str = "agent";

/// Nothing of one that does not run: it starts when it is needed.
pub(super) fn check(agent: &mut dyn Agent) -> Option<Vec<Finding>> {
    let findings = match ask(agent, &Request::Status, Start::Never) {
        Ok(Answer::Status(report)) => of(&report),
        Ok(Answer::Refused(refusal)) => {
            let next =
                if refusal.hint.is_empty() { usual_step(refusal.reason) } else { refusal.hint.as_str() };
            vec![Finding::new(CHECK, shown(&refusal.sentence), shown(next))]
        }
        Ok(_) => vec![Finding::new(
            CHECK,
            "the agent is of another version than this program",
            "run `valetkey agent restart`",
        )],
        Err(Unreachable::NotRunning) => return None,
        Err(failed @ Unreachable::Failed { .. }) => {
            vec![Finding::new(CHECK, shown(failed.sentence()), shown(failed.hint()))]
        }
    };
    Some(findings)
}

fn of(report: &StatusReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    if report.version != env!("CARGO_PKG_VERSION") {
        let sentence = format!(
            "the running agent is of version {}, not {}",
            shown(&report.version),
            env!("CARGO_PKG_VERSION")
        );
        findings.push(Finding::new(CHECK, sentence, "run `valetkey agent restart`"));
    }
    if report.locked {
        findings.push(Finding::new(
            CHECK,
            "the agent is locked: no key is handed out",
            "run `valetkey unlock`",
        ));
    }
    if !matches!(report.vault.state, VaultState::Ready | VaultState::Untried) {
        let sentence = match report.vault.sentence.as_str() {
            "" => "the vault cannot be used",
            some => some,
        };
        let next = match report.vault.hint.as_str() {
            "" => "run `valetkey status` to see more",
            some => some,
        };
        findings.push(Finding::new("vault", shown(sentence), shown(next)));
    }
    if report.accounts.is_empty() {
        findings.push(Finding::new("session", "nobody is signed in", "run `valetkey login <organisation>`"));
    }
    for account in &report.accounts {
        if account.session == SessionState::Ended {
            let sentence = format!("the session of {} has ended", shown(&account.username));
            findings.push(Finding::new("session", sentence, "run `valetkey login`"));
        }
    }
    findings
}
