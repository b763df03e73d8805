//! Personal access tokens of the person who is signed in: all of them, not only the keys that the agent hands out.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Caller, secret::expose_on_the_wire};

/// A question about personal access tokens. Only `valetkey` asks them. `organisation` may be left out where the
/// account was signed in for one only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PatRequest {
    /// One page of the list. Answered with [`crate::Answer::Pats`].
    List(PatList),
    /// One of them. Answered with [`crate::Answer::Pat`].
    Show {
        /// The organisation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation: Option<String>,
        /// Its id at the service.
        id: String,
    },
    /// Make one. Answered with [`crate::Answer::PatMade`]; it dies again unless [`PatRequest::Settle`] follows.
    Create(NewPat),
    /// Make one in another's place. Answered with [`crate::Answer::PatMade`]. The old one dies when
    /// [`PatRequest::Settle`] says that the new value has reached its place, and not before.
    Regenerate(RegeneratePat),
    /// The value of one just made: once. Answered with [`crate::Answer::PatValue`].
    Take {
        /// [`PatMade::ticket`].
        ticket: String,
    },
    /// What became of the value. Answered with [`crate::Answer::PatSettled`].
    Settle {
        /// [`PatMade::ticket`].
        ticket: String,
        /// Whether it has reached its place. If not, the token is revoked and the one it was to replace lives on.
        delivered: bool,
    },
    /// Change one; its value stays. Answered with [`crate::Answer::Pat`].
    Update(PatChange),
    /// Revoke one. Answered with [`crate::Answer::Revoked`].
    Revoke {
        /// The organisation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation: Option<String>,
        /// Its id at the service.
        id: String,
    },
    /// Those that are kept in the vault, without their values. Answered with [`crate::Answer::Pats`].
    Kept,
    /// The value of one that is kept. Answered with [`crate::Answer::PatValue`].
    Use {
        /// The name it is kept under.
        name: String,
    },
    /// A question of a later version.
    #[serde(other)]
    Unknown,
}

/// Which tokens to list, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatList {
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Which.
    pub filter: PatFilter,
    /// In which order; the service's own where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<PatSort>,
    /// The other way round.
    pub descending: bool,
    /// [`Pats::next`] of the page before. It is bound to the filter and the order it was given for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PatFilter {
    /// Those that work.
    #[default]
    Active,
    /// Those that were revoked.
    Revoked,
    /// Those whose time is over.
    Expired,
    /// All.
    All,
    /// A filter of a later version; treated as [`PatFilter::All`].
    #[serde(other)]
    Unknown,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PatSort {
    /// By name.
    Name,
    /// By date.
    Date,
    /// By what has become of them.
    Status,
    /// An order of a later version; the service's own.
    #[serde(other)]
    Unknown,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPat {
    /// The organisation it is to be good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// What it is to be called.
    pub name: String,
    /// Scopes, separated by single spaces.
    pub scope: String,
    /// When it is to die, in seconds since 1970. The service may set an earlier end.
    pub expires_at: u64,
    /// Keep the value in the vault under this name. There is nothing to take or to settle then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// The process that will hand the value on. If it ends without settling, that is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
}

/// A token to make in another's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegeneratePat {
    /// The organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Id of the old one at the service.
    pub id: String,
    /// Other scopes than the old one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it is to die, in seconds since 1970; without it, it lives as long as the old one was to, from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Keep the value in the vault under this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// The process that will hand the value on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
}

/// What to change about a token; what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatChange {
    /// The organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Its id at the service.
    pub id: String,
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Other scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Another end, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// One token, without its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatStatus {
    /// Its id at the service.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The organisation it was found in.
    pub organisation: String,
    /// Scopes, separated by single spaces.
    pub scope: String,
    /// When its life began, in seconds since 1970; 0 where the service does not say.
    pub created_at: u64,
    /// When it dies, in seconds since 1970.
    pub expires_at: u64,
    /// Whether it is good for every organisation of its owner.
    pub all_organisations: bool,
    /// What Valetkey has to do with it.
    pub held: PatHeld,
}

/// What Valetkey has to do with a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PatHeld {
    /// Nothing, as far as this agent knows.
    #[default]
    No,
    /// It is a key that the agent hands out.
    Key,
    /// Its value is in the vault.
    Kept {
        /// The name it is kept under.
        name: String,
    },
    /// Its value was handed on, and nobody said whether it has reached its place.
    Unsettled {
        /// Ids of the tokens it was to replace.
        replaces: Vec<String>,
    },
    /// Something of a later version.
    #[serde(other)]
    Unknown,
}

/// One page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pats {
    /// The tokens.
    pub pats: Vec<PatStatus>,
    /// Where the next page begins; nothing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A token was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatMade {
    /// The token.
    pub pat: PatStatus,
    /// To take its value with, and to settle. Nothing where it is in the vault already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The end that was asked for, in seconds since 1970.
    pub asked_until: u64,
    /// What was done about the tokens it replaces, where that is done already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<PatSettled>,
}

/// A token's value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PatValue {
    /// The token.
    pub pat: PatStatus,
    /// Its value.
    #[serde(serialize_with = "expose_on_the_wire")]
    pub secret: SecretString,
}

/// What was done once a value had reached its place, or had not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatSettled {
    /// Tokens that are dead now.
    pub revoked: u32,
    /// Tokens that could not be revoked yet; they are on the ledger and this is tried again.
    pub pending: u32,
    /// Why: one line.
    pub sentence: String,
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::{Answer, Request};

    #[test]
    fn every_question_is_read_as_it_was_asked() {
        for wire in [
            r#"{"type":"pat","do":"list","filter":"active","descending":false}"#,
            r#"{"type":"pat","do":"list","organisation":"contoso","filter":"expired","sort":"date","descending":true,"after":"x"}"#,
            r#"{"type":"pat","do":"show","id":"i"}"#,
            r#"{"type":"pat","do":"create","name":"ci","scope":"vso.code","expires_at":9,"caller":{"pid":7,"started":8}}"#,
            r#"{"type":"pat","do":"regenerate","organisation":"contoso","id":"i","keep":"ci"}"#,
            r#"{"type":"pat","do":"take","ticket":"t"}"#,
            r#"{"type":"pat","do":"settle","ticket":"t","delivered":true}"#,
            r#"{"type":"pat","do":"update","id":"i","name":"n"}"#,
            r#"{"type":"pat","do":"revoke","id":"i"}"#,
            r#"{"type":"pat","do":"kept"}"#,
            r#"{"type":"pat","do":"use","name":"ci"}"#,
        ] {
            let request: Request = serde_json::from_str(wire).unwrap();
            assert_eq!(serde_json::to_string(&request).unwrap(), wire);
        }
    }

    #[test]
    fn words_of_a_later_version_are_unknown() {
        let read = |wire: &str| serde_json::from_str::<Request>(wire).unwrap();
        assert!(matches!(read(r#"{"type":"pat","do":"lend","id":"i"}"#), Request::Pat(PatRequest::Unknown)));
        let Request::Pat(PatRequest::List(list)) =
            read(r#"{"type":"pat","do":"list","filter":"asleep","sort":"colour"}"#)
        else {
            panic!("another request")
        };
        assert_eq!((list.filter, list.sort), (PatFilter::Unknown, Some(PatSort::Unknown)));
        let held: PatHeld = serde_json::from_str(r#"{"as":"hostage","ransom":3}"#).unwrap();
        assert_eq!(held, PatHeld::Unknown);
    }

    #[test]
    fn a_value_is_shown_to_nobody() {
        let wire = r#"{"type":"pat-value","pat":{"id":"i"},"secret":"canary"}"#;
        let answer: Answer = serde_json::from_str(wire).unwrap();
        assert!(!format!("{answer:?}").contains("canary"));
        let Answer::PatValue(value) = answer else { panic!("another answer") };
        assert_eq!((value.secret.expose_secret(), value.pat.held), ("canary", PatHeld::No));
    }
}
