//! What was measured, what is held, and whether it was.

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};

use crate::console::Console;

/// Prints figures with their verdicts, and counts those that were missed.
#[derive(Debug)]
pub(super) struct Report {
    console: Console,
    met: u32,
    missed: Vec<String>,
    left_out: u32,
}

impl Report {
    pub(super) fn new(console: Console) -> Self {
        Self { console, met: 0, missed: Vec::new(), left_out: 0 }
    }

    /// A figure that nothing is promised of.
    pub(super) fn shown(&self, figure: &str) {
        self.console.line(figure);
    }

    /// A figure, the hold on it, and whether it was met.
    pub(super) fn held(&mut self, is_met: bool, figure: &str, hold: &str) {
        self.console.line(&format!("{figure} (hold: {hold}): {}", if is_met { "met" } else { "MISSED" }));
        if is_met {
            self.met += 1;
        } else {
            self.missed.push(figure.to_owned());
        }
    }

    /// Both of a pair, and the most that the first may take of the second.
    pub(super) fn ratio(&mut self, names: (&str, &str), pairs: &Pairs, hold: f64) {
        let (ours, theirs) = names;
        let figure = format!("{ours}: {}, {theirs}: {}, {pairs}", shown(pairs.ours), shown(pairs.theirs));
        self.held(pairs.ratio <= hold, &figure, &format!("<= {hold}"));
    }

    /// Something that could not be measured here.
    pub(super) fn left_out(&mut self, what: &str, why: &str) {
        self.console.line(&format!("{what}: left out, {why}"));
        self.left_out += 1;
    }

    /// The verdict on all of it.
    pub(super) fn close(self) -> Result<()> {
        let Self { console, met, missed, left_out } = self;
        console.line(&format!("{met} holds met, {} missed, {left_out} left out", missed.len()));
        ensure!(missed.is_empty(), "missed: {}", missed.join("; "));
        Ok(())
    }
}

/// Medians of what was measured in turn.
#[derive(Debug)]
pub(super) struct Pairs {
    ours: f64,
    theirs: f64,
    ratio: f64,
    count: u32,
}

impl Pairs {
    /// Measures both `count` times, either one first every other time; before that, rounds that fill the caches of the
    /// operating system.
    pub(super) fn measure(
        (uncounted, count): (u32, u32),
        mut ours: impl FnMut() -> Result<Duration>,
        mut theirs: impl FnMut() -> Result<Duration>,
    ) -> Result<Self> {
        let (mut mine, mut other, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..uncounted + count {
            let (our, their) = if round % 2 == 0 {
                (ours()?.as_secs_f64(), theirs()?.as_secs_f64())
            } else {
                let their = theirs()?.as_secs_f64();
                (ours()?.as_secs_f64(), their)
            };
            if round >= uncounted {
                mine.push(our);
                other.push(their);
                ratios.push(our / their);
            }
        }
        Ok(Self { ours: median(mine), theirs: median(other), ratio: median(ratios), count })
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.ratio < 0.1 { 4 } else { 2 };
        write!(f, "ratio {:.digits$} of {} pairs", self.ratio, self.count)
    }
}

fn shown(seconds: f64) -> String {
    if seconds >= 1.0 { format!("{seconds:.2} s") } else { format!("{:.2} ms", seconds * 1000.0) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(ours: [u64; 4], theirs: [u64; 4]) -> Pairs {
        let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
        let next = |of: &mut dyn Iterator<Item = u64>| Ok(Duration::from_millis(of.next().unwrap_or(0)));
        Pairs::measure((1, 3), || next(&mut ours), || next(&mut theirs)).expect("figures")
    }

    #[test]
    fn the_median_of_the_ratios_counts_and_the_first_rounds_do_not() {
        let pairs = pairs([900, 10, 30, 20], [1, 10, 10, 10]);
        assert_eq!(pairs.to_string(), "ratio 2.00 of 3 pairs");
        assert_eq!((shown(pairs.ours), shown(pairs.theirs)), ("20.00 ms".to_owned(), "10.00 ms".to_owned()));
    }

    #[test]
    fn one_missed_hold_fails_the_run_and_what_was_left_out_does_not() {
        let silent = Console { json: true };
        let mut report = Report::new(silent);
        report.left_out("x", "not here");
        report.ratio(("a", "b"), &pairs([1, 10, 10, 10], [1, 10, 10, 10]), 1.0);
        assert!(report.close().is_ok());
        let mut report = Report::new(silent);
        report.held(true, "a", "b");
        report.ratio(("a", "b"), &pairs([1, 11, 11, 11], [1, 10, 10, 10]), 1.05);
        assert!(report.close().is_err());
        let mut report = Report::new(silent);
        report.ratio(("a", "b"), &pairs([0; 4], [0; 4]), 1.0);
        assert!(report.close().is_err(), "what is no number meets nothing");
    }
}
