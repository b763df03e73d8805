//! Time and randomness, given from outside so that a test holds both.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The two clocks a key's life is judged by.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Seconds since 1970 by the wall clock. It counts while the machine sleeps, and a person can set it.
    fn now(&self) -> u64;
    /// Time since some fixed moment. Nobody can set it, and it may stand still while the machine sleeps.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A source of random bytes.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the buffer, or says that there is no randomness.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness;

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(buffer).map_err(|_| NoRandomness)
    }
}

/// Random bytes as lower-case hexadecimal, two characters a byte.
pub(crate) fn random_hex<const BYTES: usize>(random: &dyn Random) -> Result<String, NoRandomness> {
    use fmt::Write as _;

    let mut bytes = [0; BYTES];
    random.fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::with_capacity(BYTES * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}
