//! git: whether it asks us, and nobody else.

use super::Finding;
use crate::setup::{self, Git, GitError, Host};

const CHECK: &str = "git";

pub(super) fn check(git: &Git) -> Vec<Finding> {
    let entries = match git.entries(setup::File::All) {
        Ok(entries) => entries,
        // A machine without git has nothing to set up.
        Err(GitError::Absent(_)) => return Vec::new(),
        Err(GitError::Refused { doing, said }) => {
            return vec![Finding::new(
                CHECK,
                format!("git could not {doing}: {said}"),
                "correct what git names",
            )];
        }
    };
    let mut findings = Vec::new();
    for host in Host::built_in() {
        if !setup::asks_us(&entries, &host) {
            let sentence = format!("git does not ask valetkey for {}", host.address);
            findings.push(Finding::new(CHECK, sentence, "run `valetkey setup git`"));
        }
        for later in setup::later_helpers(&entries, &host) {
            let sentence =
                format!("git also asks `{}`, and tells it the keys", valetkey_protocol::shown(&later));
            let next = "move this line above the ones of valetkey, or take it out";
            findings.push(Finding::new(CHECK, sentence, next));
        }
    }
    findings.dedup();
    findings
}
