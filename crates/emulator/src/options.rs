//! What a test chooses before the emulator starts.

use std::{net::SocketAddr, path::PathBuf};

use crate::switches::Switches;

/// How the emulator's clock stands to the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    /// The machine's clock plus whatever the test advanced.
    Flowing,
    /// Stands still at these seconds since the epoch until the test moves it.
    Frozen(i64),
}

/// Everything [`crate::Emulator::start`] wants to know; `Options::default()` suits most tests.
#[derive(Debug, Clone)]
pub struct Options {
    /// Same seed, same identifiers, codes and secrets.
    pub seed: u64,
    /// `Some`: all hosts on this one address under Microsoft's real names, told apart by `Host`. The control
    /// host keeps a port of its own.
    pub sealed: Option<SocketAddr>,
    /// Further addresses of the metadata service in plain HTTP, beside the one of [`crate::Urls`]. Azure's own are
    /// `169.254.169.254:80`, and `127.0.0.1:40342` of an Azure Arc agent.
    pub metadata: Vec<SocketAddr>,
    /// Choices where Microsoft's behaviour is unknown or varies.
    pub switches: Switches,
    /// The emulator's clock.
    pub clock: ClockMode,
    /// The user whom the browser flow signs in without showing the page; `None` shows the page.
    pub sign_in_as: Option<String>,
    /// The git whose `http-backend` serves repositories; `None` takes `git` from `PATH`.
    pub git: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            sealed: None,
            metadata: Vec::new(),
            switches: Switches::default(),
            clock: ClockMode::Flowing,
            sign_in_as: None,
            git: None,
        }
    }
}
