//! Hosts that are Azure DevOps: a closed set, matched label by label.

/// A service of Azure DevOps, told from a host name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service<'a> {
    /// `dev.azure.com`: Azure Repos; the organisation is the path's first segment.
    Repos,
    /// `{org}.visualstudio.com`: Azure Repos of that organisation.
    ReposOf(&'a str),
    /// `pkgs.dev.azure.com`: Azure Artifacts; the organisation is the path's first segment.
    Artifacts,
    /// `{org}.pkgs.visualstudio.com`: Azure Artifacts of that organisation.
    ArtifactsOf(&'a str),
}

impl<'a> Service<'a> {
    /// The service behind a lower-case host with an optional `:443`, or nothing. Anything unusual is nothing:
    /// another port, a trailing dot, a non-ASCII or punycode label, an extra label, upper case.
    pub fn of(host: &'a str) -> Option<Self> {
        let host = host.strip_suffix(":443").unwrap_or(host);
        match host {
            "dev.azure.com" => return Some(Self::Repos),
            "pkgs.dev.azure.com" => return Some(Self::Artifacts),
            _ => {}
        }
        let rest = host.strip_suffix(".visualstudio.com")?;
        match rest.strip_suffix(".pkgs") {
            Some(org) => is_organisation(org).then_some(Self::ArtifactsOf(org)),
            None => (is_organisation(rest) && !RESERVED.contains(&rest)).then_some(Self::ReposOf(rest)),
        }
    }
}

/// First labels under `visualstudio.com` that are services, not organisations.
const RESERVED: [&str; 11] =
    ["pkgs", "vssps", "vsspsext", "app", "vs-ssh", "ssh", "www", "marketplace", "feeds", "vsrm", "login"];

/// Whether a label can be an organisation's name: ASCII letters, digits and inner hyphens, at most 50.
fn is_organisation(label: &str) -> bool {
    let bytes = label.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 50
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
        && !label.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_four_forms() {
        assert_eq!(Service::of("dev.azure.com"), Some(Service::Repos));
        assert_eq!(Service::of("dev.azure.com:443"), Some(Service::Repos));
        assert_eq!(Service::of("contoso.visualstudio.com"), Some(Service::ReposOf("contoso")));
        assert_eq!(Service::of("pkgs.dev.azure.com"), Some(Service::Artifacts));
        assert_eq!(Service::of("contoso.pkgs.visualstudio.com"), Some(Service::ArtifactsOf("contoso")));
    }

    #[test]
    fn look_alikes_are_nothing() {
        for host in [
            "",
            ".",
            "dev.azure.com.",
            "DEV.azure.com",
            "dev.azure.com:8443",
            "dev.azure.com:",
            "dev.azure.com.evil",
            "evildev.azure.com",
            "dev.azure.com@evil",
            "dev.\u{430}zure.com",
            "xn--dev-azure.com",
            "azure.com",
            "visualstudio.com",
            ".visualstudio.com",
            "evilvisualstudio.com",
            "a.b.visualstudio.com",
            "xn--a.visualstudio.com",
            "-a.visualstudio.com",
            "a-.visualstudio.com",
            "pkgs.visualstudio.com",
            "vssps.visualstudio.com",
            "a.vssps.visualstudio.com",
            "vs-ssh.visualstudio.com",
            "ssh.dev.azure.com",
            "vssps.dev.azure.com",
            "a.pkgs.dev.azure.com",
            "a.visualstudio.com.evil",
            "a_b.visualstudio.com",
            "dev.azure.com:443:443",
            "dev.azure.com/contoso",
            " dev.azure.com",
            "dev.azure.com\u{0}",
        ] {
            assert_eq!(Service::of(host), None, "{host:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_in_the_closed_set(host in "[a-z.:@/-]{0,30}(visualstudio|azure)?[.]com(:443)?") {
            if Service::of(&host).is_some() {
                let bare = host.strip_suffix(":443").unwrap_or(&host);
                let labels: Vec<_> = bare.split('.').collect();
                prop_assert!(matches!(labels[..], ["dev", "azure", "com"] | ["pkgs", "dev", "azure", "com"]
                    | [_, "visualstudio", "com"] | [_, "pkgs", "visualstudio", "com"]));
            }
        }
    }
}
