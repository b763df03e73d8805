//! From an address to an organisation: every form Azure Repos and Azure Artifacts are written in.

use valetkey_protocol::{MAX_LINE, Reason, Refusal, Service, Target, is_clean};

/// Hosts the configuration adds to the built-in ones: lower-case, with their port where that is not 443.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Azure Repos.
    pub dev: String,
    /// Azure Artifacts. It may be the same host: a path with `_packaging` in it is then a feed.
    pub pkgs: String,
}

/// What is behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Azure Repos.
    Code,
    /// Azure Artifacts.
    Packaging,
}

/// Where a request wants to go, after every check that needs no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub product: Product,
    /// The organisation, lower-case, where the request names it.
    pub organisation: Option<String>,
    /// The user the address names, lower-case; always with an `@`.
    pub user: Option<String>,
    /// A name without an `@` before the host, lower-case: the organisation, mostly, and sometimes half of a user's.
    pub nick: Option<String>,
    /// Project and feed as the address writes them, for the audit trail only.
    pub feed: Option<String>,
}

/// The organisation as keys name it, or nothing if it cannot be one: ASCII letters, digits, inner hyphens, at most 50.
pub fn organisation_name(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let good = !bytes.is_empty()
        && bytes.len() <= 50
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    good.then(|| text.to_ascii_lowercase())
}

/// Reads a target. Foreign hosts are [`Reason::NotOurs`], anything malformed or hostile [`Reason::BadRequest`].
pub fn place(target: &Target, hosts: &Hosts) -> Result<Place, Refusal> {
    let path = target.path.as_deref().unwrap_or("");
    let username = target.username.as_deref().unwrap_or("");
    if ![target.protocol.as_str(), &target.host, path, username].into_iter().all(is_clean) {
        return Err(bad("the request holds control characters or is over-long"));
    }
    if target.host.is_empty() {
        return Err(bad("the request names no host"));
    }
    let host = target.host.to_ascii_lowercase();
    let (product, host_organisation) = product(&host, path, hosts).ok_or_else(|| {
        Refusal::new(Reason::NotOurs, format!("`{host}` is neither Azure Repos nor Azure Artifacts"), "")
    })?;
    if target.protocol != "https" {
        return Err(bad("only https is answered"));
    }
    check_path(path)?;
    let organisation = match host_organisation {
        Some(organisation) => Some(organisation),
        None => first_segment(path)?.or_else(|| user_as_organisation(username)),
    };
    let user = username.contains('@').then(|| username.to_lowercase());
    let nick = (user.is_none() && !username.is_empty()).then(|| username.to_lowercase());
    let feed = (product == Product::Packaging).then(|| feed(path)).flatten();
    Ok(Place { product, organisation, user, nick, feed })
}

fn product(host: &str, path: &str, hosts: &Hosts) -> Option<(Product, Option<String>)> {
    match Service::of(host) {
        Some(Service::Repos) => return Some((Product::Code, None)),
        Some(Service::ReposOf(organisation)) => return Some((Product::Code, Some(organisation.to_owned()))),
        Some(Service::Artifacts) => return Some((Product::Packaging, None)),
        Some(Service::ArtifactsOf(organisation)) => {
            return Some((Product::Packaging, Some(organisation.to_owned())));
        }
        None => {}
    }
    let host = host.strip_suffix(":443").unwrap_or(host);
    let is = |configured: &str| !configured.is_empty() && host == configured;
    match (is(&hosts.dev), is(&hosts.pkgs)) {
        (true, true) if feed(path).is_none() => Some((Product::Code, None)),
        (_, true) => Some((Product::Packaging, None)),
        (true, false) => Some((Product::Code, None)),
        (false, false) => None,
    }
}

/// `[project/]feed[@view]` of `[organisation/][project/]_packaging/feed[@view]/…`.
fn feed(path: &str) -> Option<String> {
    let mut segments = path.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case("_packaging"));
    let feed = segments.nth(1).filter(|feed| !feed.is_empty())?;
    let before: Vec<_> =
        path.split('/').take_while(|segment| !segment.eq_ignore_ascii_case("_packaging")).collect();
    let project = before.get(1).filter(|project| !project.is_empty());
    Some(project.map_or_else(|| feed.to_owned(), |project| format!("{project}/{feed}")))
}

fn check_path(path: &str) -> Result<(), Refusal> {
    let lower = path.to_ascii_lowercase();
    let hostile = path.len() > MAX_LINE
        || path.contains('\\')
        || path.split('/').any(|segment| matches!(segment, "." | ".."))
        || ["%2f", "%5c", "%2e", "%00"].iter().any(|trick| lower.contains(trick));
    if hostile { Err(bad("the path is not plain")) } else { Ok(()) }
}

fn first_segment(path: &str) -> Result<Option<String>, Refusal> {
    if path.is_empty() {
        return Ok(None);
    }
    let organisation = path.split('/').next().and_then(organisation_name);
    organisation.map(Some).ok_or_else(|| bad("the path does not begin with an organisation"))
}

fn user_as_organisation(username: &str) -> Option<String> {
    if username.contains('@') { None } else { organisation_name(username) }
}

fn bad(sentence: &str) -> Refusal {
    Refusal::new(Reason::BadRequest, sentence, "")
}
