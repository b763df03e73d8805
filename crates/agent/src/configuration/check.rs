//! What values may be. Each file is checked by itself, so that a refusal names the file to correct.

use std::path::Path;

use url::{Host, Url};

use super::{ConfigurationError, file::File};

/// Whether every value of a file can be used.
pub(super) fn check(path: &Path, file: &File) -> Result<(), ConfigurationError> {
    let File { entra, azure_devops, keys, issuers, nuget, network, agent, vault: _ } = file;
    let checks = [
        of("entra.client-id", entra.client_id.as_deref(), client_id),
        of("issuers.entra-client-id", issuers.entra_client_id.as_deref(), client_id),
        of("issuers.entra-organisations", issuers.entra_organisations.as_deref(), organisations),
        of("entra.tenant", entra.tenant.as_deref(), tenant),
        of("entra.authority", entra.authority.as_ref(), address),
        of("azure-devops.dev", azure_devops.dev.as_ref(), address),
        of("azure-devops.pkgs", azure_devops.pkgs.as_ref(), address),
        of("azure-devops.pats", azure_devops.pats.as_ref(), address),
        of("keys.lifetime-hours", keys.lifetime_hours.as_ref(), |it| between(*it, 1, 168)),
        of("keys.mints-per-hour", keys.mints_per_hour.as_ref(), |it| between(*it, 1, 1000)),
        of("nuget.nuget-org", nuget.nuget_org.as_ref(), address),
        of("network.proxy", network.proxy.as_deref(), proxy),
        of("network.no-proxy", network.no_proxy.as_deref(), plain),
        of("network.ca-file", network.ca_file.as_deref(), absolute),
        of("agent.idle-exit-minutes", agent.idle_exit_minutes.as_ref(), |it| between(*it, 0, 43_200)),
    ];
    match checks.into_iter().flatten().next() {
        Some((key, what)) => Err(ConfigurationError::BadValue { path: path.to_owned(), key, what }),
        None => Ok(()),
    }
}

fn of<T: ?Sized>(
    key: &'static str,
    value: Option<&T>,
    rule: impl FnOnce(&T) -> Result<(), String>,
) -> Option<(&'static str, String)> {
    rule(value?).err().map(|what| (key, what))
}

fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn client_id(text: &str) -> Result<(), String> {
    let groups: Vec<_> = text.split('-').collect();
    let shape = groups.iter().map(|it| it.len()).eq([8, 4, 4, 4, 12]);
    let hex = groups.iter().all(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
    must(shape && hex, "must be an application id such as `6d1f6a3e-8f0f-4c59-9a57-0d6f0c1b2a34`")
}

fn organisations(names: &[String]) -> Result<(), String> {
    let plain = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    must(names.iter().all(plain), "must be names as in `https://dev.azure.com/NAME`")
}

fn tenant(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let dots = text.starts_with('.') || text.contains("..");
    must(
        !text.is_empty() && text.len() <= 255 && !dots && text.bytes().all(plain),
        "must be a tenant id or a domain",
    )
}

/// `http` only where no network is crossed: tokens go to these addresses.
fn address(url: &Url) -> Result<(), String> {
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    must(scheme, "must begin with `https://`")?;
    must(url.username().is_empty() && url.password().is_none(), "must hold no user name")?;
    must(url.query().is_none() && url.fragment().is_none(), "must hold neither `?` nor `#`")?;
    must(url.host_str().is_some_and(|it| !it.ends_with('.')), "must name a host")
}

/// Empty: none, whatever the environment says.
fn proxy(text: &str) -> Result<(), String> {
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
    let valid = text.is_empty() || Url::parse(text).is_ok_and(|url| fits(&url));
    must(valid, "must be an address such as `http://proxy.example:8080`, or empty")
}

fn plain(text: &str) -> Result<(), String> {
    must(valetkey_protocol::is_clean(text), "must hold no control characters")
}

fn absolute(path: &Path) -> Result<(), String> {
    must(path.is_absolute(), "must be an absolute path")
}

fn between(value: u32, min: u32, max: u32) -> Result<(), String> {
    must((min..=max).contains(&value), &format!("must be between {min} and {max}"))
}
