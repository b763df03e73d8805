//! Hosts that an answer may name: closed sets, because what they name is given a token next.

use url::{Host, Url};

use crate::organisation::is_guid;

/// Hosts of Microsoft Entra with their aliases, sovereign clouds included (MSAL: known metadata).
const ENTRA: [&str; 11] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.usgovcloudapi.net",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.sovcloud-identity.fr",
    "login.sovcloud-identity.de",
    "login.sovcloud-identity.sg",
];

/// The clouds that are kept apart from the public one, each with the authority to configure for it
/// (Microsoft: "National clouds").
const SOVEREIGN: [(&str, &str); 7] = [
    ("login.microsoftonline.us", "login.microsoftonline.us"),
    ("login.usgovcloudapi.net", "login.microsoftonline.us"),
    ("login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn"),
    ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    ("login.sovcloud-identity.fr", "login.sovcloud-identity.fr"),
    ("login.sovcloud-identity.de", "login.sovcloud-identity.de"),
    ("login.sovcloud-identity.sg", "login.sovcloud-identity.sg"),
];

/// The authority of the cloud that an `authorization_uri` leads to, where `own` is of another.
pub(crate) fn other_cloud(authorization_uri: &str, own: Option<&Url>) -> Option<&'static str> {
    let cloud = |host: &str| SOVEREIGN.iter().find(|(known, _)| *known == host).map(|(_, cloud)| *cloud);
    let url = Url::parse(authorization_uri).ok().filter(|url| is_plain_https_to(url, &ENTRA, &[]))?;
    let named = cloud(url.host_str()?);
    let own = own.and_then(Url::host_str).unwrap_or(ENTRA[0]);
    // A host of nobody's knows what it stands for.
    let differs = ENTRA.contains(&own) && cloud(own) != named;
    differs.then_some(named.unwrap_or(ENTRA[0]))
}

/// Hosts of the service that mints tokens (artifacts-credprovider: SPS endpoint allow-list).
const SPS: [&str; 4] =
    ["vssps.visualstudio.com", "vssps.dev.azure.com", "vsspsext.visualstudio.com", "vsspsext.dev.azure.com"];
/// Hosts that may have one or more labels before them.
const SPS_ABOVE: [&str; 2] = [".vssps.visualstudio.com", ".vssps.dev.azure.com"];

/// The tenant that an `authorization_uri` names, when its host is one of Microsoft Entra's or `own`'s.
///
/// A host that is neither gives `Err`; a path without a tenant (`/common`) gives `Ok(None)`.
pub(crate) fn tenant_of(authorization_uri: &str, own: Option<&Url>) -> Result<Option<String>, ForeignHost> {
    let url = Url::parse(authorization_uri).map_err(|_| ForeignHost)?;
    if !is_plain_https_to(&url, &ENTRA, &[]) && !own.is_some_and(|own| same_place(&url, own)) {
        return Err(ForeignHost);
    }
    let first = url.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
    Ok(is_tenant(first).then(|| first.to_ascii_lowercase()))
}

/// The address in `X-VSS-AuthorizationEndpoint`, when its host may be given a token.
pub(crate) fn sps(endpoint: &str, own: &Url) -> Result<Url, ForeignHost> {
    let url = Url::parse(endpoint.trim()).map_err(|_| ForeignHost)?;
    let known = is_plain_https_to(&url, &SPS, &SPS_ABOVE) || same_place(&url, own);
    if known { Ok(url) } else { Err(ForeignHost) }
}

/// An answer named a host outside the closed set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ForeignHost;

/// Whether a path's segment is a tenant: a GUID that is not zero, or a domain. `common` and the like are none.
fn is_tenant(segment: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if is_guid(segment) {
        return !is_zero(segment);
    }
    segment.len() <= 253 && segment.contains('.') && segment.split('.').all(is_label)
}

/// Whether a GUID has nothing but zeros.
pub(crate) fn is_zero(guid: &str) -> bool {
    guid.bytes().all(|b| matches!(b, b'0' | b'-'))
}

fn is_plain_https_to(url: &Url, exact: &[&str], above: &[&str]) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    url.scheme() == "https"
        && url.port().is_none()
        && is_without_user(url)
        && (exact.contains(&host) || above.iter().any(|suffix| is_below(host, suffix)))
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|labels| {
        labels.split('.').all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    })
}

/// Same scheme, host and port as an address from the configuration.
fn same_place(url: &Url, own: &Url) -> bool {
    is_without_user(url)
        && url.scheme() == own.scheme()
        && url.host() == own.host()
        && url.port_or_known_default() == own.port_or_known_default()
}

fn is_without_user(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests;
