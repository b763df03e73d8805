//! What the configuration file decides, as plain values.

use std::time::Duration;

use url::Url;

use crate::policy::Hosts;

/// Settings of the broker. The agent reads them from the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Base address of Azure DevOps. Its host and port count as Azure Repos besides the built-in hosts.
    pub dev: Url,
    /// Base address of Azure Artifacts. Its host and port count as Azure Artifacts besides the built-in hosts.
    pub pkgs: Url,
    /// Base address of the PAT Lifecycle Management API.
    pub pats: Url,
    /// Client id of the organisation's app registration; none is built in.
    pub client_id: Option<String>,
    /// Tenant to sign in at where the organisation's own is not known.
    pub tenant: String,
    /// Base address of Microsoft Entra.
    pub authority: String,
    /// Life asked for a key. The service may give less; what it answers counts.
    pub key_lifetime: Duration,
    /// Whether keys that can write are handed out at all.
    pub allow_write: bool,
    /// Keys minted in any hour, at most. Each one sends the user a mail.
    pub mints_per_hour: u32,
    /// Whether session tokens are asked for where PATs are refused.
    pub session_tokens: bool,
    /// Organisations, in lower case, that Entra tokens may be handed to.
    pub entra_organisations: Vec<String>,
    /// Client id of the registration whose tokens may be handed out.
    pub entra_client_id: Option<String>,
    /// Name of this machine as it shall stand in a key's name.
    pub machine: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dev: fixed("https://dev.azure.com"),
            pkgs: fixed("https://pkgs.dev.azure.com"),
            pats: fixed("https://vssps.dev.azure.com"),
            client_id: None,
            tenant: "organizations".to_owned(),
            authority: "https://login.microsoftonline.com".to_owned(),
            key_lifetime: Duration::from_secs(8 * 3600),
            allow_write: true,
            mints_per_hour: 60,
            session_tokens: true,
            entra_organisations: Vec::new(),
            entra_client_id: None,
            machine: String::new(),
        }
    }
}

impl Settings {
    /// The machine's name as it may stand in a key's name: ASCII letters, digits, `-`, `_`, `.`, at most 32.
    pub(crate) fn clean_machine(&self) -> String {
        let name: String = self
            .machine
            .chars()
            .take(32)
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .collect();
        if name.is_empty() { "unnamed".to_owned() } else { name }
    }

    /// Host and, where it is not the scheme's own, port of what the configuration adds to the built-in hosts.
    pub(crate) fn hosts(&self) -> Hosts {
        Hosts { dev: authority(&self.dev), pkgs: authority(&self.pkgs) }
    }

    /// Host and port keys are minted at. A key of one service is never shown to another.
    pub(crate) fn service(&self) -> String {
        authority(&self.pats)
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn fixed(url: &str) -> Url {
    Url::parse(url).expect("a constant address is well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_name_cannot_break_a_keys_name() {
        let machine =
            |name: &str| Settings { machine: name.to_owned(), ..Settings::default() }.clean_machine();
        assert_eq!(machine("alice's laptop\n"), "alice-s-laptop-");
        assert_eq!(machine(""), "unnamed");
        assert_eq!(machine(&"x".repeat(99)).len(), 32);
    }

    #[test]
    fn the_port_belongs_to_the_authority_unless_it_is_the_usual_one() {
        let dev = |url: &str| Settings { dev: fixed(url), ..Settings::default() }.hosts().dev;
        assert_eq!(dev("https://localhost:8443/"), "localhost:8443");
        assert_eq!(dev("https://dev.azure.com:443/"), "dev.azure.com");
    }
}
