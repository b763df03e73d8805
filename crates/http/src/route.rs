//! Which way a request goes: directly, or through which proxy.

use std::net::{IpAddr, Ipv4Addr};

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use crate::{HttpError, Settings};

/// Never through a proxy, whatever the configuration says: this machine, and what Azure tells it about itself.
const DIRECT: &str = "localhost,127.0.0.0/8,::1,169.254.169.254";

/// Where a virtual machine of Azure asks about itself (Microsoft: "Azure Instance Metadata Service").
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The proxy in force, and where it was named.
pub(crate) struct Route {
    /// With user name and password: never shown.
    address: Url,
    no_proxy: String,
    /// `host:port`.
    shown: String,
    /// The setting or variable that names the proxy.
    pub(crate) source: &'static str,
    matcher: Matcher,
}

impl Route {
    /// The proxy that the settings name, if any.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Self>, HttpError> {
        let environment = &settings.environment;
        let named = match (&settings.proxy, &environment.https_proxy, &environment.all_proxy) {
            (Some(proxy), _, _) => Some((proxy, "[network] proxy")),
            (None, Some(proxy), _) => Some((proxy, "HTTPS_PROXY")),
            (None, None, Some(proxy)) => Some((proxy, "ALL_PROXY")),
            (None, None, None) => None,
        };
        let Some((proxy, source)) = named.filter(|(proxy, _)| !proxy.trim().is_empty()) else {
            return Ok(None);
        };
        let address = parse(proxy.trim()).ok_or_else(|| no_address(source))?;
        let listed = settings.no_proxy.as_ref().or(environment.no_proxy.as_ref()).map_or("", String::as_str);
        let no_proxy = format!("{DIRECT},{listed}");
        let matcher = Matcher::builder().all(address.as_str()).no(no_proxy.as_str()).build();
        Ok(Some(Self { shown: host_and_port(&address), address, no_proxy, source, matcher }))
    }

    /// The same for `reqwest`.
    pub(crate) fn proxy(&self) -> Result<reqwest::Proxy, HttpError> {
        let proxy = reqwest::Proxy::all(self.address.as_str()).map_err(|_| no_address(self.source))?;
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&self.no_proxy)))
    }

    /// Whether the address has a user name or a password of its own.
    pub(crate) fn has_credentials(&self) -> bool {
        !self.address.username().is_empty() || self.address.password().is_some()
    }

    /// `host:port` of the proxy that a request to this address goes through.
    pub(crate) fn proxy_of(&self, url: &Url) -> Option<&str> {
        let target = url.as_str().parse().ok()?;
        self.matcher.intercept(&target).map(|_| self.shown.as_str())
    }
}

fn no_address(source: &str) -> HttpError {
    HttpError::Configuration {
        sentence: format!("the proxy that `{source}` names is not an `http://` or `https://` address"),
        hint: "write `[network] proxy` as `http://proxy.example.com:8080`".to_owned(),
    }
}

fn parse(proxy: &str) -> Option<Url> {
    let with_scheme = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let url = Url::parse(&with_scheme).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty()))
        .then_some(url)
}

/// `host`, or `host:port` where the port is not the scheme's own. No user name, path or query.
pub fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an address can only be this machine: `localhost` (RFC 6761 §6.3), `127.0.0.0/8`, `::1`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Whether an address is that of Azure's metadata service, on its own port.
pub(crate) fn is_metadata(url: &Url) -> bool {
    url.host() == Some(Host::Ipv4(METADATA)) && url.port_or_known_default() == Some(80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProxyEnvironment;

    fn route(settings: &Settings, url: &str) -> Option<String> {
        let route = Route::of(settings).unwrap()?;
        route.proxy_of(&Url::parse(url).unwrap()).map(str::to_owned)
    }

    fn settings(
        proxy: Option<&str>,
        no_proxy: Option<&str>,
        https: Option<&str>,
        no: Option<&str>,
    ) -> Settings {
        Settings {
            proxy: proxy.map(str::to_owned),
            no_proxy: no_proxy.map(str::to_owned),
            environment: ProxyEnvironment {
                https_proxy: https.map(str::to_owned),
                all_proxy: Some("http://all:1".to_owned()),
                no_proxy: no.map(str::to_owned),
            },
            ..Settings::default()
        }
    }

    const AZURE: &str = "https://dev.azure.com/contoso";

    #[test]
    fn the_configuration_wins_over_the_environment() {
        let both = settings(Some("http://conf:1"), None, Some("http://env:2"), None);
        assert_eq!(route(&both, AZURE).as_deref(), Some("conf:1"));
        assert_eq!(route(&settings(None, None, Some("env:2"), None), AZURE).as_deref(), Some("env:2"));
        assert_eq!(route(&settings(None, None, None, None), AZURE).as_deref(), Some("all:1"));
        assert_eq!(route(&settings(Some(""), None, Some("http://env:2"), None), AZURE), None);
    }

    #[test]
    fn no_proxy_is_honoured_and_the_configured_list_wins() {
        let listed = settings(None, None, Some("env:2"), Some(".azure.com, 10.0.0.0/8"));
        assert_eq!(route(&listed, AZURE), None);
        assert_eq!(route(&listed, "https://10.1.2.3/"), None);
        assert_eq!(route(&listed, "https://evilazure.com/").as_deref(), Some("env:2"));
        let emptied = settings(None, Some(""), Some("env:2"), Some(".azure.com"));
        assert_eq!(route(&emptied, AZURE).as_deref(), Some("env:2"));
    }

    #[test]
    fn loopback_is_never_proxied() {
        for url in ["http://localhost:1/", "https://localhost/", "http://127.8.0.1:9/", "http://[::1]:9/"] {
            assert_eq!(route(&settings(Some("conf:1"), None, None, None), url), None, "{url}");
            assert!(is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
        for url in ["http://localhost.evil/", "http://127.0.0.1.evil/", "http://10.0.0.1/", AZURE] {
            assert!(!is_loopback(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[test]
    fn a_password_is_used_and_not_shown() {
        let with_password = settings(Some("http://me:hunter2@conf:1"), None, None, None);
        assert_eq!(route(&with_password, AZURE).as_deref(), Some("conf:1"));
    }

    #[test]
    fn what_is_no_proxy_address_is_named_without_its_text() {
        for bad in ["socks5://me:hunter2@conf:1", "http://", "http://me:hunter2@:80:80", "://"] {
            let error = Route::of(&settings(Some(bad), None, None, None)).err().unwrap();
            assert!(error.to_string().contains("[network] proxy"), "{error}");
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("hunter2"));
        }
    }
}
