//! The virtual hosts and how a request is told to be for one of them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One virtual host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// Microsoft Entra: `login.microsoftonline.com` and `login.windows.net`.
    Login,
    /// The PAT API: `vssps.dev.azure.com`.
    Vssps,
    /// Azure DevOps and git: `dev.azure.com` and `*.visualstudio.com`.
    Dev,
    /// A hostile host.
    Evil,
    /// The tests' control host.
    Ctl,
}

impl Host {
    pub(crate) const ALL: [Self; 5] = [Self::Login, Self::Vssps, Self::Dev, Self::Evil, Self::Ctl];

    /// The virtual host of a `Host` header in sealed mode; every foreign name is [`Host::Evil`].
    pub(crate) fn of_name(authority: &str) -> Self {
        let name = name_of(authority).to_ascii_lowercase();
        match name.as_str() {
            "login.microsoftonline.com" | "login.windows.net" | "login.microsoft.com" => Self::Login,
            "vssps.dev.azure.com" | "app.vssps.visualstudio.com" => Self::Vssps,
            "dev.azure.com" => Self::Dev,
            other if organisation_label(other).is_some() => Self::Dev,
            _ => Self::Evil,
        }
    }
}

fn name_of(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(name, _)| name)
}

/// The organisation of `{org}.visualstudio.com`, when the authority has that form.
pub(crate) fn organisation_label(authority: &str) -> Option<&str> {
    let label = name_of(authority).strip_suffix(".visualstudio.com")?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

/// Where the virtual hosts answer: `https://…` without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Urls {
    /// Microsoft Entra.
    pub login: String,
    /// The PAT API.
    pub vssps: String,
    /// Azure DevOps and git.
    pub dev: String,
    /// The hostile host.
    pub evil: String,
    /// The control host.
    pub ctl: String,
}

impl Urls {
    pub(crate) fn by_port(port: impl Fn(Host) -> u16) -> Self {
        let url = |host| format!("https://localhost:{}", port(host));
        Self {
            login: url(Host::Login),
            vssps: url(Host::Vssps),
            dev: url(Host::Dev),
            evil: url(Host::Evil),
            ctl: url(Host::Ctl),
        }
    }

    pub(crate) fn sealed(address: SocketAddr, ctl_port: u16) -> Self {
        let suffix = if address.port() == 443 { String::new() } else { format!(":{}", address.port()) };
        let url = |name: &str| format!("https://{name}{suffix}");
        Self {
            login: url("login.microsoftonline.com"),
            vssps: url("vssps.dev.azure.com"),
            dev: url("dev.azure.com"),
            evil: url("vssps.dev.azure.com.evil.example"),
            ctl: format!("https://localhost:{ctl_port}"),
        }
    }

    /// The URL of one host.
    pub fn of(&self, host: Host) -> &str {
        match host {
            Host::Login => &self.login,
            Host::Vssps => &self.vssps,
            Host::Dev => &self.dev,
            Host::Evil => &self.evil,
            Host::Ctl => &self.ctl,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_find_their_hosts() {
        for (name, host) in [
            ("login.microsoftonline.com", Host::Login),
            ("login.windows.net:443", Host::Login),
            ("VSSPS.dev.azure.com", Host::Vssps),
            ("dev.azure.com", Host::Dev),
            ("contoso.visualstudio.com", Host::Dev),
            ("contoso.vssps.visualstudio.com", Host::Evil),
            ("evilvssps.dev.azure.com", Host::Evil),
            (".visualstudio.com", Host::Evil),
            ("dev.azure.com.evil.example", Host::Evil),
        ] {
            assert_eq!(Host::of_name(name), host, "{name}");
        }
    }
}
