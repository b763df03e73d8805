//! Tokens of the person, between the words of the wire and those of the service.

use valetkey_azure_devops::{Filter, Listing, Pat, PatUpdate, Sort};
use valetkey_protocol::{PatChange, PatFilter, PatList, PatSort};

use crate::PatFacts;

/// Tokens on one page: as many as fit into one answer whatever they are called.
const PAGE: u8 = 40;

pub(super) fn listing(list: &PatList) -> Listing {
    Listing {
        filter: match list.filter {
            PatFilter::Active => Filter::Active,
            PatFilter::Revoked => Filter::Revoked,
            PatFilter::Expired => Filter::Expired,
            _ => Filter::All,
        },
        sort: match list.sort {
            Some(PatSort::Name) => Some(Sort::DisplayName),
            Some(PatSort::Date) => Some(Sort::DisplayDate),
            Some(PatSort::Status) => Some(Sort::Status),
            _ => None,
        },
        descending: list.descending,
        top: Some(PAGE),
    }
}

pub(super) fn facts(pat: Pat) -> PatFacts {
    PatFacts {
        authorization_id: pat.authorization_id,
        display_name: pat.display_name,
        scope: pat.scope,
        valid_from: pat.valid_from,
        valid_to: pat.valid_to,
        all_organisations: pat.target_accounts.is_none(),
    }
}

pub(super) fn update(change: &PatChange) -> PatUpdate {
    PatUpdate { display_name: change.name.clone(), scope: change.scope.clone(), valid_to: change.expires_at }
}
