//! Telling the agent to end.

use std::sync::Arc;

use tokio::sync::watch;

/// How far the agent is in ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    Running,
    /// It takes no new request and finishes those in flight.
    Draining,
    /// It waits for nothing any more.
    Over,
}

/// A handle to end the agent with, and to hear that it ends. Phases only go forward.
#[derive(Debug, Clone)]
pub struct Control(Arc<watch::Sender<Phase>>);

impl Default for Control {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Running)))
    }
}

impl Control {
    /// Ends gracefully; a second call ends at once.
    pub fn stop(&self) {
        self.0.send_modify(|phase| {
            *phase = if *phase == Phase::Running { Phase::Draining } else { Phase::Over }
        });
    }

    /// At least this far.
    pub(crate) fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| to > *phase && std::mem::replace(phase, to) != to);
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Returns once the phase is `at_least`.
    pub async fn reached(&self, at_least: Phase) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|phase| *phase >= at_least).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_stop_is_immediate_and_nothing_goes_back() {
        let control = Control::default();
        control.stop();
        assert_eq!(control.phase(), Phase::Draining);
        control.stop();
        assert_eq!(control.phase(), Phase::Over);
        control.advance(Phase::Draining);
        assert_eq!(control.phase(), Phase::Over);
    }
}
