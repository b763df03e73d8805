//! What the test runner says, line by line.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

/// More failures than this are not chance.
const CHANCE: usize = 3;

/// What the test runner counted.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// How a run of tests ended.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) counts: Counts,
    /// The names of those that failed.
    pub(crate) failing: BTreeSet<String>,
    /// Those that failed among the others and passed by themselves. Each is a defect, of the test or of what it tests.
    pub(crate) unsteady: BTreeSet<String>,
}

/// Runs tests and passes their output through.
pub(crate) fn of(tests: &mut Command) -> Result<Outcome> {
    let mut child =
        tests.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start cargo test")?;
    let out = child.stdout.take().context("no output of cargo test")?;
    let mut outcome = Outcome::default();
    for line in BufReader::new(out).lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        outcome.take(&line);
    }
    outcome.ok = child.wait()?.success();
    Ok(outcome)
}

impl Outcome {
    /// Whether it is worth asking again: few failed, and it is known which.
    pub(crate) fn may_be_unsteady(&self) -> bool {
        let known = u64::try_from(self.failing.len()).is_ok_and(|known| known == self.counts.failed);
        !self.ok && known && (1..=CHANCE).contains(&self.failing.len())
    }

    /// What the same tests came to by themselves.
    pub(crate) fn settle(&mut self, again: &Self) {
        if again.ok && again.counts.passed == self.counts.failed {
            self.ok = true;
            self.counts.passed += self.counts.failed;
            self.counts.failed = 0;
            self.unsteady = std::mem::take(&mut self.failing);
        }
    }

    fn take(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.failing.insert(name.to_owned());
        }
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        for part in rest.split([';', '.']) {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.counts.passed += number,
                "failed" => self.counts.failed += number,
                "ignored" => self.counts.skipped += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str], ok: bool) -> Outcome {
        let mut outcome = Outcome { ok, ..Outcome::default() };
        for line in lines {
            outcome.take(line);
        }
        outcome
    }

    const ONE_OF_TWO: [&str; 4] = [
        "test a::b ... ok",
        "test a::c ... FAILED",
        "    a::c",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
    ];
    const PASSED: &str =
        "test result: ok. 14 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.06s";

    #[test]
    fn closing_lines_are_added_up() {
        let outcome = after(&[&ONE_OF_TWO[..], &[PASSED]].concat(), false);
        assert_eq!(outcome.counts, Counts { passed: 15, failed: 1, skipped: 2 });
        assert_eq!(outcome.failing, BTreeSet::from(["a::c".to_owned()]));
    }

    #[test]
    fn what_passes_by_itself_is_unsteady_and_named() {
        let mut outcome = after(&ONE_OF_TWO, false);
        assert!(outcome.may_be_unsteady());
        let one =
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s";
        outcome.settle(&after(&[one], true));
        assert!(outcome.ok);
        assert_eq!(outcome.counts, Counts { passed: 2, failed: 0, skipped: 0 });
        assert_eq!(outcome.unsteady, BTreeSet::from(["a::c".to_owned()]));
    }

    #[test]
    fn what_fails_again_or_was_not_found_has_failed() {
        for (again, ok) in [(ONE_OF_TWO[3], false), (PASSED, true), ("", true)] {
            let mut outcome = after(&ONE_OF_TWO, false);
            outcome.settle(&after(&[again], ok));
            assert!(!outcome.ok && outcome.unsteady.is_empty(), "{again}");
            assert_eq!(outcome.counts.failed, 1);
        }
    }

    #[test]
    fn many_failures_and_those_without_a_name_are_no_chance() {
        let many: Vec<_> = (0..4).map(|number| format!("test t{number} ... FAILED")).collect();
        let four = "test result: FAILED. 0 passed; 4 failed; 0 ignored";
        let many: Vec<_> = many.iter().map(String::as_str).chain([four]).collect();
        assert!(!after(&many, false).may_be_unsteady());
        assert!(!after(&[ONE_OF_TWO[3]], false).may_be_unsteady(), "no name");
        assert!(!after(&[PASSED], false).may_be_unsteady(), "it did not even run");
        assert!(!after(&[PASSED], true).may_be_unsteady());
    }
}
