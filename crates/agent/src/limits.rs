//! How much one client, and all of them together, may take.

use std::time::Duration;

/// Limits of the socket. The frame limit is [`valetkey_protocol::MAX_FRAME`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From connecting to the whole hello.
    pub hello: Duration,
    /// From the first byte of a frame to its last.
    pub frame: Duration,
    /// Between an answer and the next question.
    pub idle: Duration,
    /// For the client to take a whole answer.
    pub write: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time of one process.
    pub per_process: usize,
    /// Turned-away connections that are still being told so.
    pub shedding: usize,
    /// For requests in flight when the agent is told to stop.
    pub grace: Duration,
    /// Between two looks at whether the socket is still where clients search it.
    pub self_check: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(2),
            frame: Duration::from_secs(2),
            idle: Duration::from_secs(30),
            write: Duration::from_secs(5),
            connections: 1024,
            per_process: 128,
            shedding: 64,
            grace: Duration::from_secs(5),
            self_check: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Descriptors the agent needs besides those of connections: log, audit, vault, network, standard streams.
    const RESERVED: u64 = 64;

    /// The same limits where the process may open no more than `descriptors` files.
    #[must_use]
    pub fn within(mut self, descriptors: u64) -> Self {
        let bound = |wanted: usize, free: u64| wanted.min(usize::try_from(free).unwrap_or(usize::MAX)).max(1);
        self.shedding = bound(self.shedding, descriptors / 8);
        let taken = Self::RESERVED.min(descriptors / 2) + self.shedding as u64;
        self.connections = bound(self.connections, descriptors.saturating_sub(taken));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_descriptors_lower_the_limits_and_leave_a_reserve() {
        let roomy = Limits::default().within(4096);
        assert_eq!((roomy.connections, roomy.shedding), (1024, 64));
        for descriptors in [16, 64, 256, 1024] {
            let limits = Limits::default().within(descriptors);
            let used = (limits.connections + limits.shedding) as u64;
            assert!(used < descriptors, "{descriptors}: {used}");
            assert!(limits.connections >= 1);
        }
    }
}
