//! What the client is built from.

use std::{fmt, path::PathBuf, time::Duration};

/// How requests leave this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[network] proxy`: `http://[user:password@]host:port`, `https://…`, or empty for "none, whatever the
    /// environment says". Absent: the environment decides.
    pub proxy: Option<String>,
    /// `[network] no-proxy`: hosts, `.suffixes` and networks that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
    /// `[network] ca-file`: authorities in PEM, trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy variables of the shell the agent was started in.
    pub environment: ProxyEnvironment,
    /// The longest time for name, connection, tunnel and TLS together.
    pub connect_timeout: Duration,
    /// The longest time from the first byte sent to the last byte read.
    pub total_timeout: Duration,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proxy: None,
            no_proxy: None,
            ca_file: None,
            environment: ProxyEnvironment::default(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            user_agent: concat!("valetkey/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A proxy's address may carry a password, so only whether there is one is shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("proxy", &self.proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .field("ca_file", &self.ca_file)
            .field("environment", &self.environment)
            .field("connect_timeout", &self.connect_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

/// The proxy variables, as captured when the agent started.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `ALL_PROXY` or `all_proxy`.
    pub all_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
}

impl ProxyEnvironment {
    /// Picks the variables out of an environment; the upper-case spelling wins, an empty value counts as unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: [&str; 2]| names.into_iter().filter_map(&lookup).find(|value| !value.trim().is_empty());
        Self {
            https_proxy: first(["HTTPS_PROXY", "https_proxy"]),
            all_proxy: first(["ALL_PROXY", "all_proxy"]),
            no_proxy: first(["NO_PROXY", "no_proxy"]),
        }
    }
}

impl fmt::Debug for ProxyEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyEnvironment")
            .field("https_proxy", &self.https_proxy.is_some())
            .field("all_proxy", &self.all_proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_wins_and_empty_is_unset() {
        let lookup = |name: &str| match name {
            "HTTPS_PROXY" => Some(" ".to_owned()),
            "https_proxy" | "NO_PROXY" | "no_proxy" => Some(name.to_owned()),
            _ => None,
        };
        let found = ProxyEnvironment::from_lookup(lookup);
        assert_eq!(found.https_proxy.as_deref(), Some("https_proxy"));
        assert_eq!(found.all_proxy, None);
        assert_eq!(found.no_proxy.as_deref(), Some("NO_PROXY"));
    }

    #[test]
    fn no_password_is_shown() {
        let proxy = Some("http://me:hunter2@proxy:8080".to_owned());
        let environment =
            ProxyEnvironment { https_proxy: proxy.clone(), all_proxy: proxy.clone(), no_proxy: None };
        let settings = Settings { proxy, environment, ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
