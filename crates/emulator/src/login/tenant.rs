//! Which tenant a path segment and a person lead to.

use super::error::EntraError;
use crate::world::{TENANT_CONSUMERS, TENANT_HOME, TENANT_RESOURCE, TENANT_ZERO, User, tenant_domain};

/// A tenant as the URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tenant {
    /// `common` and `organizations`: the person's home.
    Home,
    One(String),
}

impl Tenant {
    pub(crate) fn parse(segment: &str) -> Result<Self, EntraError> {
        match segment {
            "common" | "organizations" => Ok(Self::Home),
            "consumers" => Ok(Self::One(TENANT_CONSUMERS.to_owned())),
            TENANT_ZERO => Err(EntraError::of("zero_tenant")),
            TENANT_HOME | TENANT_RESOURCE | TENANT_CONSUMERS => Ok(Self::One(segment.to_owned())),
            domain => match tenant_domain(domain) {
                Some(tenant) => Ok(Self::One(tenant.to_owned())),
                None => Err(EntraError::of("tenant_not_found")),
            },
        }
    }

    /// The tenant for this person, who must be known there.
    pub(crate) fn of(&self, user: &User) -> Result<String, EntraError> {
        match self {
            Self::Home => Ok(user.home().to_owned()),
            Self::One(tenant) if user.tenants.contains(tenant) => Ok(tenant.clone()),
            Self::One(_) => Err(EntraError::of("guest_missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_name_tenants() {
        assert_eq!(Tenant::parse("organizations"), Ok(Tenant::Home));
        assert_eq!(Tenant::parse("contoso.example"), Ok(Tenant::One(TENANT_HOME.to_owned())));
        assert_eq!(Tenant::parse(TENANT_ZERO).expect_err("zero").code, 900_021);
        assert_eq!(Tenant::parse("nowhere.example").expect_err("unknown").code, 90002);
    }
}
