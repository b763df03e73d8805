//! Reads what a browser, or anything else on this machine, sends to the loopback port.

use url::form_urlencoded;

/// What a request is.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Asked {
    /// The end of a sign-in: ours if the state is.
    Redirect {
        /// The `state` that came back.
        state: String,
        /// What came with it.
        outcome: Outcome,
    },
    /// `/favicon.ico` and the like.
    NotFound,
    /// Anything but `GET`.
    WrongMethod,
    /// Not HTTP, not for this host, or parameters that are missing, doubled or contradict each other.
    Bad,
}

/// How the person's part ended.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Outcome {
    /// A code to redeem.
    Code(String),
    /// An error (RFC 6749 §4.1.2.1).
    Error {
        /// The error.
        error: String,
        /// Its description, or nothing.
        description: String,
    },
}

/// Reads the head of a request, up to and including the empty line.
pub(super) fn parse(head: &[u8], port: u16) -> Asked {
    let Some((method, target, host)) = std::str::from_utf8(head).ok().and_then(split) else {
        return Asked::Bad;
    };
    if !is_us(host, port) {
        return Asked::Bad;
    }
    if method != "GET" {
        return Asked::WrongMethod;
    }
    match target.split_once('?').unwrap_or((target, "")) {
        ("/", query) => redirect(query).unwrap_or(Asked::Bad),
        _ => Asked::NotFound,
    }
}

/// Method, target and the one `Host` header.
fn split(head: &str) -> Option<(&str, &str, &str)> {
    let mut lines = head.strip_suffix("\r\n\r\n")?.split("\r\n");
    let mut request = lines.next()?.split(' ');
    let (method, target, version) = (request.next()?, request.next()?, request.next()?);
    if request.next().is_some() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !target.starts_with('/') {
        return None;
    }
    let mut hosts = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    let host = hosts.next()?;
    hosts.next().is_none().then_some((method, target, host))
}

/// Whether the browser meant this machine by name: a foreign name that resolves to loopback is an attack.
fn is_us(host: &str, port: u16) -> bool {
    let Some((name, given)) = host.rsplit_once(':') else { return false };
    given.parse() == Ok(port)
        && (name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]"))
}

fn redirect(query: &str) -> Option<Asked> {
    let value = |name: &str| -> Option<Option<String>> {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| value.into_owned());
        found.next().is_none().then_some(first)
    };
    let state = value("state")??;
    let outcome = match (value("code")?, value("error")?) {
        (Some(code), None) if !code.is_empty() => Outcome::Code(code),
        (None, Some(error)) if !error.is_empty() => {
            Outcome::Error { error, description: value("error_description")?.unwrap_or_default() }
        }
        _ => return None,
    };
    Some(Asked::Redirect { state, outcome })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(target: &str) -> Asked {
        parse(format!("GET {target} HTTP/1.1\r\nHost: localhost:8123\r\n\r\n").as_bytes(), 8123)
    }

    fn code(code: &str, state: &str) -> Asked {
        Asked::Redirect { state: state.to_owned(), outcome: Outcome::Code(code.to_owned()) }
    }

    #[test]
    fn the_two_redirects() {
        assert_eq!(get("/?code=a%2Bb&state=s&session_state=x"), code("a+b", "s"));
        let Asked::Redirect { outcome: Outcome::Error { error, description }, .. } =
            get("/?error=access_denied&error_description=AADSTS65004%3a+no&state=s")
        else {
            panic!("an error")
        };
        assert_eq!((error.as_str(), description.as_str()), ("access_denied", "AADSTS65004: no"));
    }

    #[test]
    fn everything_else_is_refused() {
        for target in [
            "/",
            "/?",
            "/?code=a",
            "/?state=s",
            "/?code=&state=s",
            "/?code=a&code=b&state=s",
            "/?code=a&state=s&state=t",
            "/?code=a&error=b&state=s",
            "/?error=a&error_description=b&error_description=c&state=s",
        ] {
            assert_eq!(get(target), Asked::Bad, "{target}");
        }
        for target in ["/favicon.ico", "//?code=a&state=s", "/callback?code=a&state=s", "/./?code=a&state=s"]
        {
            assert_eq!(get(target), Asked::NotFound, "{target}");
        }
        assert_eq!(get("http://localhost/?code=a&state=s"), Asked::Bad);
    }

    #[test]
    fn only_this_machine_s_names_and_this_port() {
        let from =
            |host: &str| parse(format!("GET /?code=a&state=s HTTP/1.1\r\n{host}\r\n\r\n").as_bytes(), 8123);
        for host in
            ["Host: localhost:8123", "host:127.0.0.1:8123", "HOST: [::1]:8123", "Host: LOCALHOST:8123"]
        {
            assert_eq!(from(host), code("a", "s"), "{host}");
        }
        for host in [
            "X: y",
            "Host: evil.com:8123",
            "Host: localhost",
            "Host: localhost:8124",
            "Host: localhost.evil:8123",
            "Host: localhost:8123\r\nHost: evil.com",
        ] {
            assert_eq!(from(host), Asked::Bad, "{host}");
        }
    }

    #[test]
    fn only_get_and_only_http() {
        let head = |line: &str| parse(format!("{line}\r\nHost: localhost:1\r\n\r\n").as_bytes(), 1);
        assert_eq!(head("POST /?code=a&state=s HTTP/1.1"), Asked::WrongMethod);
        assert_eq!(head("GET /?code=a&state=s HTTP/2"), Asked::Bad);
        assert_eq!(head("GET /?code=a&state=s"), Asked::Bad);
        assert_eq!(head("GET /?code=a &state=s HTTP/1.1"), Asked::Bad);
        assert_eq!(head("\u{16}\u{3}\u{1}"), Asked::Bad);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(head in prop::collection::vec(any::<u8>(), 0..300)) {
            let asked = parse(&head, 8123);
            prop_assert_eq!(asked, Asked::Bad);
        }

        #[test]
        fn what_is_taken_is_a_get_of_the_root(
            line in "(GET|POST|get) [/a?%&=codesrt]{0,40} HTTP/1[.][01]", tail in "(\r\nHost: localhost:8123)?[\r\na: ]{0,8}",
        ) {
            let head = format!("{line}{tail}\r\n\r\n");
            if let Asked::Redirect { state, outcome } = parse(head.as_bytes(), 8123) {
                prop_assert!(head.starts_with("GET /?") && head.contains("state=") && head.contains("Host: localhost:8123"));
                prop_assert!(state.len() < head.len());
                prop_assert!(!matches!(outcome, Outcome::Code(code) if code.is_empty()));
            }
        }

        #[test]
        fn a_code_comes_back_as_it_was(code in ".{1,60}", state in ".{0,60}") {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code).append_pair("state", &state).finish();
            prop_assert_eq!(get(&format!("/?{query}")), Asked::Redirect { state, outcome: Outcome::Code(code) });
        }
    }
}
