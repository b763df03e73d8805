//! What was handed out, and what NuGet's `IsRetry` means for it.
//!
//! NuGet keeps one answer for each host, and says `IsRetry` for every address it asks about a second time in its
//! life: after another restore in the same build node, and after it sent one organisation's key to another one's
//! feed. Only an answer that was the last one for its host, and comes back at once or again and again, was refused.

use std::{collections::HashMap, time::Duration};

/// NuGet comes back within this time where a key was refused: it has to send one request.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A slow network takes longer. NuGet asks four times at most, so the last time is the one to act on.
const TIMES: u32 = 3;

/// What was handed out in this process.
#[derive(Debug, Default)]
pub(crate) struct Given {
    by_address: HashMap<String, Handed>,
    last_on_host: HashMap<String, String>,
}

#[derive(Debug)]
struct Handed {
    state: String,
    at: Duration,
    times: u32,
    /// Whether it was refused, and given again all the same.
    proved: bool,
    wide: bool,
}

/// An answer that NuGet was refused with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The state of its key.
    pub(crate) state: String,
    /// Whether the agent has found the key to be alive after an earlier refusal here, and it comes back at once: a
    /// build node that lives long says so of healthy keys, too, in its own time.
    pub(crate) proved: bool,
    /// Whether it was given to somebody who was taken to be pushing.
    pub(crate) wide: bool,
}

impl Given {
    /// Remembers an answer, and what was refused before it.
    pub(crate) fn remember(
        &mut self,
        address: &str,
        host: &str,
        state: &str,
        refused: Option<&Refused>,
        wide: bool,
        now: Duration,
    ) {
        let before =
            self.by_address.get(address).filter(|given| given.state == state && self.is_last(host, state));
        let times = before.map_or(1, |given| given.times + 1);
        let proved = refused.is_some_and(|refused| refused.state == state);
        let handed = Handed { state: state.to_owned(), at: now, times, proved, wide };
        self.by_address.insert(address.to_owned(), handed);
        self.last_on_host.insert(host.to_owned(), state.to_owned());
    }

    /// The key that was refused, if an address that is asked about again says so.
    pub(crate) fn refused(&self, address: &str, host: &str, now: Duration) -> Option<Refused> {
        let given = self.by_address.get(address).filter(|given| self.is_last(host, &given.state))?;
        let soon = now.saturating_sub(given.at) < AT_ONCE;
        let Handed { state, proved, wide, .. } = given;
        (soon || given.times >= TIMES).then(|| Refused {
            state: state.clone(),
            proved: *proved && soon,
            wide: *wide,
        })
    }

    fn is_last(&self, host: &str, state: &str) -> bool {
        self.last_on_host.get(host).is_some_and(|last| last == state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://pkgs.dev.azure.com/a/_packaging/f/nuget/v3/index.json";
    const B: &str = "https://pkgs.dev.azure.com/b/_packaging/f/nuget/v3/index.json";
    const HOST: &str = "pkgs.dev.azure.com";

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn state(given: &Given, address: &str, milliseconds: u64) -> Option<String> {
        given.refused(address, HOST, at(milliseconds)).map(|refused| refused.state)
    }

    fn remember(given: &mut Given, address: &str, state: &str, milliseconds: u64) {
        given.remember(address, HOST, state, None, false, at(milliseconds));
    }

    #[test]
    fn a_key_is_proved_by_being_given_again_after_its_refusal() {
        let mut given = Given::default();
        remember(&mut given, A, "a1", 0);
        let first = given.refused(A, HOST, at(100)).unwrap();
        assert!(!first.proved);
        given.remember(A, HOST, "a1", Some(&first), false, at(100));
        assert!(given.refused(A, HOST, at(200)).unwrap().proved);
        remember(&mut given, A, "a1", 200);
        assert!(!given.refused(A, HOST, at(300)).unwrap().proved, "it was asked for anew");
        given.remember(A, HOST, "a2", Some(&first), true, at(300));
        let other = given.refused(A, HOST, at(400)).unwrap();
        assert_eq!((other.proved, other.wide), (false, true));
    }

    #[test]
    fn a_key_that_comes_back_at_once_was_refused() {
        let mut given = Given::default();
        assert_eq!(state(&given, A, 0), None, "it was never handed out");
        remember(&mut given, A, "a1", 0);
        assert_eq!(state(&given, A, 200), Some("a1".to_owned()));
        assert_eq!(state(&given, B, 200), None, "another address is none of it");
    }

    #[test]
    fn a_key_that_another_one_followed_was_not() {
        let mut given = Given::default();
        remember(&mut given, A, "a1", 0);
        remember(&mut given, B, "b1", 100);
        assert_eq!(state(&given, A, 200), None, "the other organisation's key was sent");
        remember(&mut given, A, "a1", 200);
        assert_eq!(state(&given, A, 300), Some("a1".to_owned()));
    }

    #[test]
    fn another_restore_of_the_same_node_refuses_nothing() {
        let mut given = Given::default();
        remember(&mut given, A, "a1", 0);
        assert_eq!(state(&given, A, 1400), None);
    }

    #[test]
    fn over_a_slow_network_the_last_of_four_times_tells() {
        let mut given = Given::default();
        for time in [0, 2000, 4000] {
            assert_eq!(state(&given, A, time), None);
            remember(&mut given, A, "a1", time);
        }
        assert_eq!(state(&given, A, 6000), Some("a1".to_owned()));
        remember(&mut given, A, "a2", 6000);
        assert_eq!(state(&given, A, 8000), None, "the new key has its own four times");
    }
}
