//! What can keep keys from reaching a program although everything is installed: one check a file.

mod agent;
mod cache;
mod feeds;
mod git;
mod providers;
mod variables;

use serde_json::{Value, json};

use crate::world::World;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Which check found it, for programs.
    pub(crate) check: &'static str,
    /// What is wrong: one line.
    pub(crate) sentence: String,
    /// What to do next: one line.
    pub(crate) next: String,
}

impl Finding {
    fn new(check: &'static str, sentence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, sentence: sentence.into(), next: next.into() }
    }

    /// As an object.
    pub(crate) fn to_json(&self) -> Value {
        json!({"check": self.check, "sentence": self.sentence, "next": self.next})
    }
}

/// Makes every check.
pub(crate) fn examine(world: &mut World<'_>) -> Vec<Finding> {
    let mut findings = agent::check(world.agent).unwrap_or_else(|| feeds::check(&world.place));
    findings.extend(git::check(&world.git));
    findings.extend(variables::check(&world.place));
    findings.extend(providers::check(&world.place));
    findings.extend(cache::check(&world.place));
    findings
}
