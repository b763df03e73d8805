//! The addresses git is to ask valetkey for.

/// An address as it stands in `credential.<address>.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Without a path, for example `https://dev.azure.com`.
    pub(crate) address: String,
    /// Whether the organisation stands in the path, which git tells only when asked to.
    pub(crate) path_matters: bool,
}

impl Host {
    /// The hosts of Azure Repos. The second needs git 2.26, which learned `*`.
    pub(crate) fn built_in() -> [Self; 2] {
        [
            Self { address: "https://dev.azure.com".to_owned(), path_matters: true },
            Self { address: "https://*.visualstudio.com".to_owned(), path_matters: false },
        ]
    }

    /// Whether git must know wildcards for it.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.address.contains('*')
    }
}

/// An address a person names: https, a host, a port at most.
pub(crate) fn parse(text: &str) -> Result<Host, String> {
    let host = text.strip_prefix("https://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match host {
        Some(host) if is_authority(host) => {
            Ok(Host { address: format!("https://{}", host.to_ascii_lowercase()), path_matters: true })
        }
        _ => Err("give an address with nothing after the host, such as `https://localhost:8443`".to_owned()),
    }
}

fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    let name = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(name) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_and_nothing_else() {
        for (text, address) in [
            ("https://localhost:8443", "https://localhost:8443"),
            ("https://DevOps.Contoso.example/", "https://devops.contoso.example"),
        ] {
            assert_eq!(parse(text).map(|host| host.address).as_deref(), Ok(address));
        }
        for text in [
            "",
            "localhost",
            "http://localhost:1",
            "https://",
            "https://a/b",
            "https://u@a",
            "https://a:0",
            "https://a:99999",
            "https://a..b",
            "https://*.a",
            "https://a\nb",
            "https://a?x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
