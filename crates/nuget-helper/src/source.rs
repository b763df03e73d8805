//! The source a key is wanted for: NuGet says it as the person wrote it into nuget.config.

use valetkey_protocol::{Service, Target, is_clean};

/// Whose the host is, as far as can be told without the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Azure Artifacts.
    Ours,
    /// Ours only if the agent's configuration says so.
    Perhaps,
    /// Nobody's that keys are made for.
    NotOurs,
}

/// A source's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What the agent is asked for.
    pub target: Target,
    /// Whose host it is.
    pub whose: Whose,
}

impl Source {
    /// Takes an address apart as .NET does, where a backslash is a slash. Whatever is no address of the web, or not
    /// one way only to be understood, is nothing.
    pub fn parse(address: &str) -> Option<Self> {
        let (protocol, rest) = address.split_once("://")?;
        let protocol = protocol.to_ascii_lowercase();
        if !matches!(protocol.as_str(), "https" | "http") || !is_clean(address) {
            return None;
        }
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let host = host.to_ascii_lowercase();
        if user.is_some_and(|user| user.contains('@'))
            || host.is_empty()
            || host.contains(char::is_whitespace)
        {
            return None;
        }
        let path = path(rest)?;
        let username =
            user.and_then(|user| user.split(':').next()).filter(|user| !user.is_empty()).and_then(decoded);
        let whose = whose(&protocol, &host);
        Some(Self { target: Target { protocol, host, path: Some(path), username }, whose })
    }

    /// The organisation, where the address names one.
    pub fn organisation(&self) -> Option<&str> {
        let organisation = match Service::of(&self.target.host) {
            Some(Service::ArtifactsOf(organisation)) => organisation,
            _ => self.target.path.as_deref()?.split('/').next()?,
        };
        (!organisation.is_empty()).then_some(organisation)
    }
}

/// No feed lives where repositories do, and no key goes over http to Azure Artifacts.
fn whose(protocol: &str, host: &str) -> Whose {
    match Service::of(host) {
        Some(Service::Artifacts | Service::ArtifactsOf(_)) if protocol == "https" => Whose::Ours,
        Some(_) => Whose::NotOurs,
        None => Whose::Perhaps,
    }
}

/// The path without query, decoded. A path that .NET would shorten, or whose segments are others once decoded, could
/// name one organisation here and another one on the way.
fn path(rest: &str) -> Option<String> {
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let mut segments = Vec::new();
    for segment in rest.split(['/', '\\']).skip(1) {
        let segment = decoded(segment)?;
        if matches!(segment.as_str(), "." | "..") || segment.contains(['/', '\\']) {
            return None;
        }
        segments.push(segment);
    }
    Some(segments.join("/"))
}

/// Undoes percent-encoding. A percent sign that encodes nothing stands for itself, as in .NET.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let encoded = (*byte == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex)).flatten();
        out.push(encoded.unwrap_or(*byte));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok().filter(|text| is_clean(text))
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(digits[0])? * 16 + digit(digits[1])?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(address: &str) -> Option<(String, String, Whose, Option<String>)> {
        let source = Source::parse(address)?;
        let organisation = source.organisation().map(str::to_owned);
        Some((source.target.host, source.target.path?, source.whose, organisation))
    }

    #[test]
    fn every_form_of_a_feed_is_understood() {
        for (address, host, path, organisation) in [
            (
                "https://pkgs.dev.azure.com/contoso/_packaging/f1/nuget/v3/index.json",
                "pkgs.dev.azure.com",
                "contoso/_packaging/f1/nuget/v3/index.json",
                "contoso",
            ),
            (
                "HTTPS://Pkgs.Dev.Azure.com:443/Contoso/My Proj é/_packaging/f@Release/nuget/v3/index.json",
                "pkgs.dev.azure.com:443",
                "Contoso/My Proj é/_packaging/f@Release/nuget/v3/index.json",
                "Contoso",
            ),
            (
                "https://pkgs.dev.azure.com/contoso/My%20Proj%20%C3%A9/_packaging/f1/nuget/v3/index.json?a=b#c",
                "pkgs.dev.azure.com",
                "contoso/My Proj é/_packaging/f1/nuget/v3/index.json",
                "contoso",
            ),
            (
                "https://contoso.pkgs.visualstudio.com/DefaultCollection/_packaging/f1/nuget/v3/index.json",
                "contoso.pkgs.visualstudio.com",
                "DefaultCollection/_packaging/f1/nuget/v3/index.json",
                "contoso",
            ),
            ("https://contoso@pkgs.dev.azure.com/contoso/x", "pkgs.dev.azure.com", "contoso/x", "contoso"),
            ("https://pkgs.dev.azure.com\\contoso\\x", "pkgs.dev.azure.com", "contoso/x", "contoso"),
        ] {
            let expected = (host.to_owned(), path.to_owned(), Whose::Ours, Some(organisation.to_owned()));
            assert_eq!(parsed(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn look_alikes_are_not_ours() {
        for address in [
            "https://pkgs.dev.azure.com@evil.example/contoso/x",
            "https://evil.example\\@pkgs.dev.azure.com/contoso/x",
            "https://evil.example/@pkgs.dev.azure.com/contoso/x",
            "https://evil.example?@pkgs.dev.azure.com/contoso/x",
            "https://evil.example#@pkgs.dev.azure.com/contoso/x",
            "https://pkgs.dev.azure.com.evil.example/contoso/x",
            "https://pkgs.dev.azure.com./contoso/x",
            "https://pkgs.dev.azure.com:8443/contoso/x",
            "https://pkgs.dev.аzure.com/contoso/x",
            "https://127.0.0.1:5443/contoso/x",
            "https://api.nuget.org/v3/index.json",
        ] {
            assert_eq!(Source::parse(address).unwrap().whose, Whose::Perhaps, "{address}");
        }
        for address in ["http://pkgs.dev.azure.com/contoso/x", "https://dev.azure.com/contoso/x"] {
            assert_eq!(Source::parse(address).unwrap().whose, Whose::NotOurs, "{address}");
        }
    }

    #[test]
    fn what_can_be_understood_two_ways_is_nothing() {
        for address in [
            "",
            "C:\\packages",
            "/srv/packages",
            "file:///srv/packages",
            "https://",
            "https:///contoso",
            "https://pkgs.dev.azure.com /contoso",
            "https://a@b@pkgs.dev.azure.com/contoso/x",
            "https://a:b@c@pkgs.dev.azure.com/contoso/x",
            "https://pkgs.dev.azure.com/contoso/../evil/x",
            "https://pkgs.dev.azure.com/contoso/%2e%2E/evil/x",
            "https://pkgs.dev.azure.com/contoso%2f..%2fevil/x",
            "https://pkgs.dev.azure.com/contoso%5Cevil/x",
            "https://pkgs.dev.azure.com/contoso%0aquit=1/x",
            "https://pkgs.dev.azure.com/contoso%ff/x",
            "https://pkgs.dev.azure.com/contoso\n/x",
        ] {
            assert_eq!(Source::parse(address), None, "{address}");
        }
    }

    #[test]
    fn a_password_in_an_address_goes_no_further() {
        let source = Source::parse("https://me:canary@pkgs.dev.azure.com/contoso/x").unwrap();
        assert_eq!(source.target.username.as_deref(), Some("me"));
        assert!(!format!("{source:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_parser(address in "(https?://)?.{0,80}") {
            if let Some(source) = Source::parse(&address) {
                prop_assert!(source.target.path.is_some_and(|path| is_clean(&path)));
            }
        }

        #[test]
        fn encoding_changes_nothing(segment in "[a-zA-Z0-9 é@_{}-]{1,20}") {
            let encoded: String = segment.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
            let of = |text: &str| Source::parse(&format!("https://pkgs.dev.azure.com/{text}/x"));
            prop_assert_eq!(of(&segment), of(&encoded));
        }
    }
}
