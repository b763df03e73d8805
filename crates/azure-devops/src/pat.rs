//! Keys as the service describes them, and its JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};
use valetkey_protocol::SecretString;

use crate::{organisation::is_guid, time};

/// A key as listed: everything but its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pat {
    /// Id to revoke it with, a GUID.
    pub authorization_id: String,
    /// The name given at creation.
    pub display_name: String,
    /// Scopes, separated by single spaces.
    pub scope: String,
    /// Start of its life, in seconds since 1970.
    pub valid_from: u64,
    /// End of its life, in seconds since 1970. The service may have set it earlier than asked.
    pub valid_to: u64,
    /// Ids of the organisations it is good for; nothing means all of the owner's.
    pub target_accounts: Option<Vec<String>>,
}

/// A key to create. It is good for one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPat {
    /// How people and a later sweep recognise it.
    pub display_name: String,
    /// Scopes, separated by single spaces.
    pub scope: String,
    /// When it should end, in seconds since 1970.
    pub valid_to: u64,
}

/// A key just created. The secret is told only once.
#[derive(Debug, Clone)]
pub struct CreatedPat {
    /// Its description.
    pub pat: Pat,
    /// Its secret.
    pub token: SecretString,
}

/// What to change about a key; what is `None` stays. The secret stays in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatUpdate {
    /// The new name.
    pub display_name: Option<String>,
    /// The new scopes.
    pub scope: Option<String>,
    /// The new end, in seconds since 1970.
    pub valid_to: Option<u64>,
}

/// Which keys to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    /// Those that work.
    #[default]
    Active,
    /// Those revoked.
    Revoked,
    /// Those expired.
    Expired,
    /// All.
    All,
}

/// In which order keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    DisplayName,
    /// By date.
    DisplayDate,
    /// By what has become of them.
    Status,
}

/// What one wants to see of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listing {
    /// Which keys.
    pub filter: Filter,
    /// In which order; the service's own where nothing is said.
    pub sort: Option<Sort>,
    /// The other way round.
    pub descending: bool,
    /// Keys on one page, at most 100; as many as the service likes where nothing is said.
    pub top: Option<u8>,
}

/// One page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatPage {
    /// The keys.
    pub pats: Vec<Pat>,
    /// Where the next page begins. It is bound to what was listed; nothing on the last page.
    pub next: Option<String>,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DisplayName => "displayName",
            Self::DisplayDate => "displayDate",
            Self::Status => "status",
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::All => "all",
        })
    }
}

/// `PatTokenCreateRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateRequest<'a> {
    display_name: &'a str,
    scope: &'a str,
    valid_to: String,
    all_orgs: bool,
}

impl<'a> CreateRequest<'a> {
    pub(crate) fn new(pat: &'a NewPat) -> Self {
        let valid_to = time::format(pat.valid_to);
        Self { display_name: &pat.display_name, scope: &pat.scope, valid_to, all_orgs: false }
    }
}

/// `PatTokenUpdateRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateRequest<'a> {
    authorization_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
}

impl<'a> UpdateRequest<'a> {
    pub(crate) fn new(authorization_id: &'a str, update: &'a PatUpdate) -> Self {
        Self {
            authorization_id,
            display_name: update.display_name.as_deref(),
            scope: update.scope.as_deref(),
            valid_to: update.valid_to.map(time::format),
        }
    }
}

/// `PatTokenResult`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatResult {
    pub(crate) pat_token: Option<WirePat>,
    pub(crate) pat_token_error: Option<String>,
}

/// `PagedPatTokens`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) continuation_token: Option<String>,
    pub(crate) pat_tokens: Vec<WirePat>,
}

/// `PatToken`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePat {
    authorization_id: Option<String>,
    display_name: Option<Text>,
    scope: Option<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    target_accounts: Option<Vec<String>>,
    pub(crate) token: Option<SecretString>,
}

impl WirePat {
    /// The description, when it has what a key cannot be kept or revoked without.
    pub(crate) fn describe(self) -> Option<Pat> {
        Some(Pat {
            authorization_id: self.authorization_id.filter(|id| is_guid(id))?,
            valid_to: time::parse(&self.valid_to?)?,
            valid_from: self.valid_from.and_then(|from| time::parse(&from)).unwrap_or(0),
            display_name: self.display_name.map(|Text(name)| name).unwrap_or_default(),
            scope: self.scope.unwrap_or_default(),
            target_accounts: self.target_accounts,
        })
    }
}

/// Text of other people: one name with half a surrogate pair must not make the whole list unreadable.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Lossy;
        impl Visitor<'_> for Lossy {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bytes<E>(self, text: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(text).into_owned()))
            }
        }
        from.deserialize_bytes(Lossy)
    }
}
