//! Whether a key is given, for which organisation, and what it may do. Pure: no clock, no network, no state.

use valetkey_protocol::{MAX_LINE, Operation, Reason, Refusal, Service, Target, is_clean};

/// What a key is for. One purpose is one scope; none serves for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// `git fetch` and `clone`.
    CodeRead,
    /// `git push`.
    CodeWrite,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::CodeRead, Self::CodeWrite];

    /// The narrowest scope of Azure DevOps that does the job.
    pub fn scope(self) -> &'static str {
        match self {
            Self::CodeRead => "vso.code",
            Self::CodeWrite => "vso.code_write",
        }
    }

    /// The word in a key's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::CodeRead => "git-read",
            Self::CodeWrite => "git-write",
        }
    }

    /// The purpose of a scope.
    pub fn of_scope(scope: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.scope() == scope)
    }
}

/// Where a request wants to go, after every check that needs no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The organisation, lower-case, where the request names it.
    pub organisation: Option<String>,
    /// The user the address names, lower-case; always with an `@`.
    pub user: Option<String>,
}

/// A key that may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The organisation, lower-case.
    pub organisation: String,
    /// What the key is for.
    pub purpose: Purpose,
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
///
/// `dev` is the configured authority, lower-case, with its port where that is not 443.
pub fn place(target: &Target, dev: &str) -> Result<Place, Refusal> {
    let path = target.path.as_deref().unwrap_or("");
    let username = target.username.as_deref().unwrap_or("");
    if ![target.protocol.as_str(), &target.host, path, username].into_iter().all(is_clean) {
        return Err(bad("the request holds control characters or is over-long"));
    }
    if target.host.is_empty() {
        return Err(bad("the request names no host"));
    }
    let host = target.host.to_ascii_lowercase();
    let host_organisation = match Service::of(&host) {
        Some(Service::Repos) => None,
        Some(Service::ReposOf(organisation)) => Some(organisation.to_owned()),
        _ if !dev.is_empty() && host.strip_suffix(":443").unwrap_or(&host) == dev => None,
        _ => return Err(Refusal::new(Reason::NotOurs, format!("`{host}` is not Azure Repos"), "")),
    };
    if target.protocol != "https" {
        return Err(bad("only https is answered"));
    }
    check_path(path)?;
    let organisation = match host_organisation {
        Some(organisation) => Some(organisation),
        None => first_segment(path)?.or_else(|| user_as_organisation(username)),
    };
    let user = username.contains('@').then(|| username.to_lowercase());
    Ok(Place { organisation, user })
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

/// Decides. `allowed` are the organisations the chosen account was signed in for; `None` where nobody is signed in.
pub fn decide(
    place: &Place,
    operation: Option<Operation>,
    allow_write: bool,
    dev: &str,
    allowed: Option<&[String]>,
) -> Result<Decision, Refusal> {
    let Some(allowed) = allowed else { return Err(nobody(place)) };
    let organisation = match (&place.organisation, allowed) {
        (Some(organisation), _) => organisation.clone(),
        (None, [only]) => only.clone(),
        (None, []) => return Err(nobody(place)),
        (None, _) => return Err(organisation_unknown(dev)),
    };
    if !allowed.contains(&organisation) {
        return Err(Refusal::new(
            Reason::OrganisationNotAllowed,
            format!("nobody signed in here for organisation `{organisation}`"),
            format!("run `valetkey login {organisation}`"),
        ));
    }
    let purpose = match operation {
        Some(Operation::Write) if allow_write => Purpose::CodeWrite,
        Some(Operation::Write) => return Err(write_not_allowed()),
        _ => Purpose::CodeRead,
    };
    Ok(Decision { organisation, purpose })
}

fn write_not_allowed() -> Refusal {
    Refusal::new(
        Reason::OperationNotAllowed,
        "this machine's configuration gives no keys that can push",
        "set `allow-write = true` under `[keys]` if pushing is wanted",
    )
}

fn nobody(place: &Place) -> Refusal {
    let who = place.organisation.as_deref().unwrap_or("ORGANISATION");
    let sentence = match &place.user {
        Some(user) => format!("`{user}` is not signed in"),
        None => "nobody is signed in".to_owned(),
    };
    Refusal::new(Reason::NeedsLogin, sentence, format!("run `valetkey login {who}`"))
}

fn organisation_unknown(dev: &str) -> Refusal {
    let dev = if dev.is_empty() { "dev.azure.com" } else { dev };
    Refusal::new(
        Reason::OrganisationUnknown,
        "git did not say which organisation this is for",
        format!("run `git config --global credential.https://{dev}.useHttpPath true`"),
    )
}

fn bad(sentence: &str) -> Refusal {
    Refusal::new(Reason::BadRequest, sentence, "")
}

#[cfg(test)]
mod tests;
