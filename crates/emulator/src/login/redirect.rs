//! Redirect URIs (Microsoft: "Redirect URI (reply URL) outline and restrictions").

use url::{Host, Url};

use crate::world::App;

/// Is this URI one of the application's? The port is free for `localhost` and `127.0.0.1`, nothing else is.
pub(crate) fn is_registered(app: &App, uri: &str) -> bool {
    let Ok(asked) = Url::parse(uri) else { return false };
    if asked.query().is_some() || asked.fragment().is_some() || asked.host_str() == Some("[::1]") {
        return false;
    }
    app.redirects.iter().filter_map(|registered| Url::parse(registered).ok()).any(|registered| {
        registered.scheme() == asked.scheme()
            && registered.host_str() == asked.host_str()
            && registered.path() == asked.path()
            && asked.username().is_empty()
            && (is_loopback(&registered)
                || registered.port_or_known_default() == asked.port_or_known_default())
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Platform;

    #[test]
    fn only_the_port_is_free() {
        let app = App {
            client_id: String::new(),
            name: String::new(),
            platform: Platform::Public,
            permissions: Vec::new(),
            redirects: vec!["http://localhost".to_owned()],
        };
        for good in ["http://localhost", "http://localhost:8400", "http://localhost:1/"] {
            assert!(is_registered(&app, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:8400",
            "http://[::1]:8400",
            "https://localhost:8400",
            "http://localhost:8400/callback",
            "http://localhost.evil.example",
            "http://user@localhost:1",
            "http://localhost?x=1",
            "not a uri",
        ] {
            assert!(!is_registered(&app, bad), "{bad}");
        }
    }
}
