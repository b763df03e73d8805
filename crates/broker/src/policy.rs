//! Whether a key is given, for which organisation, and what it may do. Pure: no clock, no network, no state.

mod place;

use valetkey_protocol::{Operation, Reason, Refusal};

pub use place::{Hosts, Place, Product, organisation_name, place};

/// What a key is for. One purpose is one scope; none serves for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// `git fetch` and `clone`.
    CodeRead,
    /// `git push`.
    CodeWrite,
    /// `dotnet restore`, and everything else that takes packages from a feed.
    PackagingRead,
    /// `dotnet nuget push` and `delete`.
    PackagingWrite,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::CodeRead, Self::CodeWrite, Self::PackagingRead, Self::PackagingWrite];

    /// The narrowest scope of Azure DevOps that does the job.
    pub fn scope(self) -> &'static str {
        match self {
            Self::CodeRead => "vso.code",
            Self::CodeWrite => "vso.code_write",
            Self::PackagingRead => "vso.packaging",
            Self::PackagingWrite => "vso.packaging_write",
        }
    }

    /// The word in a key's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::CodeRead => "git-read",
            Self::CodeWrite => "git-write",
            Self::PackagingRead => "nuget-read",
            Self::PackagingWrite => "nuget-write",
        }
    }

    /// The purpose of a scope.
    pub fn of_scope(scope: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.scope() == scope)
    }

    /// What it opens.
    pub fn product(self) -> Product {
        match self {
            Self::CodeRead | Self::CodeWrite => Product::Code,
            Self::PackagingRead | Self::PackagingWrite => Product::Packaging,
        }
    }

    /// What a person whose key is refused should look at.
    pub(crate) fn place(self) -> &'static str {
        match self.product() {
            Product::Code => "repository",
            Product::Packaging => "feed",
        }
    }
}

/// A key that may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The organisation, lower-case.
    pub organisation: String,
    /// What the key is for.
    pub purpose: Purpose,
}

/// Decides. `allowed` are the organisations the chosen account was signed in for; `None` where nobody is signed in.
pub fn decide(
    place: &Place,
    operation: Option<Operation>,
    allow_write: bool,
    hosts: &Hosts,
    allowed: Option<&[String]>,
) -> Result<Decision, Refusal> {
    let Some(allowed) = allowed else { return Err(nobody(place)) };
    let organisation = match (&place.organisation, allowed) {
        (Some(organisation), _) => organisation.clone(),
        (None, [only]) => only.clone(),
        (None, []) => return Err(nobody(place)),
        (None, _) => return Err(organisation_unknown(place.product, hosts)),
    };
    if !allowed.contains(&organisation) {
        return Err(Refusal::new(
            Reason::OrganisationNotAllowed,
            format!("nobody signed in here for organisation `{organisation}`"),
            format!("run `valetkey login {organisation}`"),
        ));
    }
    let purpose = match (place.product, operation) {
        (_, Some(Operation::Write)) if !allow_write => return Err(write_not_allowed()),
        (Product::Code, Some(Operation::Write)) => Purpose::CodeWrite,
        (Product::Code, _) => Purpose::CodeRead,
        (Product::Packaging, Some(Operation::Write)) => Purpose::PackagingWrite,
        (Product::Packaging, _) => Purpose::PackagingRead,
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
    let login = format!("run `valetkey login {who}`");
    match &place.user {
        // Signing in as somebody else would lead back here.
        Some(user) => Refusal::new(
            Reason::NeedsLogin,
            format!("`{user}` is not signed in"),
            format!("{login} as that user, or take the name out of the address"),
        ),
        None => Refusal::new(Reason::NeedsLogin, "nobody is signed in", login),
    }
}

fn organisation_unknown(product: Product, hosts: &Hosts) -> Refusal {
    let or = |configured: &str, usual: &str| match configured {
        "" => usual.to_owned(),
        host => host.to_owned(),
    };
    let (sentence, hint) = match product {
        Product::Code => (
            "git did not say which organisation this is for",
            format!(
                "run `git config --global credential.https://{}.useHttpPath true`",
                or(&hosts.dev, "dev.azure.com")
            ),
        ),
        Product::Packaging => (
            "the source's address does not say which organisation it is of",
            format!(
                "write it as `https://{}/ORGANISATION/_packaging/FEED/nuget/v3/index.json`",
                or(&hosts.pkgs, "pkgs.dev.azure.com")
            ),
        ),
    };
    Refusal::new(Reason::OrganisationUnknown, sentence, hint)
}

#[cfg(test)]
mod tests;
