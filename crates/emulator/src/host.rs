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
    /// Azure Artifacts: `pkgs.dev.azure.com` and `*.pkgs.visualstudio.com`.
    Pkgs,
    /// nuget.org: `www.nuget.org`, `nuget.org` and `api.nuget.org`.
    Nuget,
    /// Azure Resource Manager: `management.azure.com`.
    Arm,
    /// The metadata service of a virtual machine and of an app service, in plain HTTP: `169.254.169.254`.
    Imds,
    /// The issuers of builds' identity tokens: GitHub Actions and Azure Pipelines.
    Oidc,
    /// A hostile host.
    Evil,
    /// The tests' control host.
    Ctl,
}

impl Host {
    pub(crate) const ALL: [Self; 10] = [
        Self::Login,
        Self::Vssps,
        Self::Dev,
        Self::Pkgs,
        Self::Nuget,
        Self::Arm,
        Self::Imds,
        Self::Oidc,
        Self::Evil,
        Self::Ctl,
    ];

    /// The virtual host of a `Host` header in sealed mode; every foreign name is [`Host::Evil`].
    pub(crate) fn of_name(authority: &str) -> Self {
        let name = name_of(authority).to_ascii_lowercase();
        match name.as_str() {
            "login.microsoftonline.com" | "login.windows.net" | "login.microsoft.com" => Self::Login,
            "vssps.dev.azure.com" | "app.vssps.visualstudio.com" => Self::Vssps,
            "dev.azure.com" => Self::Dev,
            "pkgs.dev.azure.com" => Self::Pkgs,
            "www.nuget.org" | "nuget.org" | "api.nuget.org" => Self::Nuget,
            "management.azure.com" => Self::Arm,
            other if packaging_label(other).is_some() => Self::Pkgs,
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
    label(authority, ".visualstudio.com")
}

/// The organisation of `{org}.pkgs.visualstudio.com`, when the authority has that form.
pub(crate) fn packaging_label(authority: &str) -> Option<&str> {
    label(authority, ".pkgs.visualstudio.com")
}

fn label<'a>(authority: &'a str, suffix: &str) -> Option<&'a str> {
    let label = name_of(authority).strip_suffix(suffix)?;
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
    /// Azure Artifacts.
    pub pkgs: String,
    /// nuget.org; its service index is at `/v3/index.json`.
    pub nuget: String,
    /// Azure Resource Manager.
    pub arm: String,
    /// The metadata service: `http://…`.
    pub imds: String,
    /// The issuers of builds' identity tokens.
    pub oidc: String,
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
            pkgs: url(Host::Pkgs),
            nuget: url(Host::Nuget),
            arm: url(Host::Arm),
            imds: format!("http://127.0.0.1:{}", port(Host::Imds)),
            oidc: url(Host::Oidc),
            evil: url(Host::Evil),
            ctl: url(Host::Ctl),
        }
    }

    pub(crate) fn sealed(address: SocketAddr, port: impl Fn(Host) -> u16) -> Self {
        let suffix = if address.port() == 443 { String::new() } else { format!(":{}", address.port()) };
        let url = |name: &str| format!("https://{name}{suffix}");
        Self {
            login: url("login.microsoftonline.com"),
            vssps: url("vssps.dev.azure.com"),
            dev: url("dev.azure.com"),
            pkgs: url("pkgs.dev.azure.com"),
            nuget: url("www.nuget.org"),
            arm: url("management.azure.com"),
            imds: format!("http://127.0.0.1:{}", port(Host::Imds)),
            oidc: format!("https://localhost:{}", port(Host::Oidc)),
            evil: url("vssps.dev.azure.com.evil.example"),
            ctl: format!("https://localhost:{}", port(Host::Ctl)),
        }
    }

    /// The URL of one host.
    pub fn of(&self, host: Host) -> &str {
        match host {
            Host::Login => &self.login,
            Host::Vssps => &self.vssps,
            Host::Dev => &self.dev,
            Host::Pkgs => &self.pkgs,
            Host::Nuget => &self.nuget,
            Host::Arm => &self.arm,
            Host::Imds => &self.imds,
            Host::Oidc => &self.oidc,
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
            ("pkgs.dev.azure.com:443", Host::Pkgs),
            ("contoso.pkgs.visualstudio.com", Host::Pkgs),
            ("api.nuget.org", Host::Nuget),
            ("www.nuget.org", Host::Nuget),
            ("management.azure.com", Host::Arm),
            (".visualstudio.com", Host::Evil),
            ("a.b.pkgs.visualstudio.com", Host::Evil),
            ("evilpkgs.dev.azure.com", Host::Evil),
            ("dev.azure.com.evil.example", Host::Evil),
        ] {
            assert_eq!(Host::of_name(name), host, "{name}");
        }
    }
}
