//! An organisation, as people name it: by its name, or by pasting an address.

use valetkey_protocol::Service;

/// The organisation in a name or an address, in lower case.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let organisation = match text.split_once("://") {
        Some(("https", rest)) => of_address(rest),
        Some(_) => None,
        None => Some(text.to_ascii_lowercase()),
    };
    organisation.filter(|name| is_name(name)).ok_or_else(|| {
        "give the organisation's name, such as `contoso`, or an address in it, such as \
         `https://dev.azure.com/contoso`"
            .to_owned()
    })
}

fn of_address(rest: &str) -> Option<String> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    match Service::of(&host)? {
        Service::ReposOf(name) | Service::ArtifactsOf(name) => Some(name.to_owned()),
        Service::Repos | Service::Artifacts => {
            path.split(['/', '?', '#']).next().map(str::to_ascii_lowercase)
        }
    }
}

/// Microsoft: naming restrictions of organisations: letters, digits and inner hyphens, at most 50.
fn is_name(name: &str) -> bool {
    (1..=50).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_addresses() {
        for text in [
            "contoso",
            "Contoso",
            "https://dev.azure.com/contoso",
            "https://dev.azure.com/Contoso/Payments/_git/api?path=/x",
            "https://contoso@dev.azure.com/contoso/p/_git/r",
            "https://contoso.visualstudio.com/p",
            "https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("contoso"), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-a",
            "a b",
            "a/b",
            "http://dev.azure.com/contoso",
            "https://dev.azure.com/",
            "https://dev.azure.com.evil/contoso",
            "https://dev.azure.com@evil/contoso",
            "https://github.com/contoso",
            "c\u{43e}ntoso",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_a_plain_name(text in "(https://)?[a-zA-Z.@/?-]{0,40}") {
            if let Ok(name) = parse(&text) {
                prop_assert!(is_name(&name));
                prop_assert_eq!(name.to_ascii_lowercase(), name);
            }
        }
    }
}
