//! Which key for which job: the narrowest that will do.

use std::cmp::Reverse;

use crate::{Glob, Key, PackageId, Right};

/// A job that wants a key.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The package.
    pub id: &'a PackageId,
    /// What is to be done. Where nobody knows whether the id is new, ask for [`Right::NewVersion`] and have
    /// [`Choice::for_new_package`] ready for a refusal.
    pub right: Right,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// The key for a job.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The key.
    pub key: &'a Key,
    /// Which of its patterns covers the package.
    pub glob: &'a Glob,
    /// The next best one that could push the package if its id turned out to be new. Nothing where the chosen one
    /// could, too, or where that was not the question.
    pub for_new_package: Option<&'a Key>,
}

/// The narrowest live key for a job. In this order:
///
/// 1. the fewest rights besides the one that is needed;
/// 2. the narrowest patterns: a key is as wide as its widest pattern, since that is what a thief would have; a
///    pattern without `*` is the narrowest, then the longer text before the first `*`, then fewer `*`, then more
///    other characters;
/// 3. the narrowest pattern that covers this package, by the same measure;
/// 4. the fewest patterns;
/// 5. the latest end, so that the one about to expire comes last; an unknown end counts as the soonest;
/// 6. the name.
pub fn narrowest<'a>(keys: &'a [Key], wanted: &Wanted<'_>) -> Result<Choice<'a>, NoKey> {
    let Some((key, glob)) = best(keys, wanted) else { return Err(NoKey::explain(keys, wanted)) };
    let for_new_package = if wanted.right == Right::NewVersion && !key.operations.allow(Right::NewPackage) {
        best(keys, &Wanted { right: Right::NewPackage, ..wanted.clone() }).map(|(key, _)| key)
    } else {
        None
    };
    Ok(Choice { key, glob, for_new_package })
}

fn best<'a>(keys: &'a [Key], wanted: &Wanted<'_>) -> Option<(&'a Key, &'a Glob)> {
    keys.iter()
        .filter(|key| key.is_live(wanted.now) && key.operations.allow(wanted.right))
        .filter_map(|key| Some((key, key.globs.covering(wanted.id)?)))
        .min_by_key(|(key, glob)| {
            let rights = key.operations.rights().len();
            let patterns = (key.globs.widest(), glob.width(), key.globs.len());
            (rights, patterns, Reverse(key.expires_at.unwrap_or(0)), &key.name)
        })
}

/// No key will do: the reason that is nearest to being put right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoKey {
    /// There are none at all.
    #[error("no key for nuget.org is kept here")]
    None,
    /// The one that would do is over.
    #[error("the key `{name}` for `{id}` has expired")]
    Expired {
        /// The key.
        name: String,
        /// The package.
        id: String,
    },
    /// The one that would do was refused by nuget.org before its time.
    #[error("nuget.org does not take the key `{name}` for `{id}` any more")]
    Refused {
        /// The key.
        name: String,
        /// The package.
        id: String,
    },
    /// A key covers the package and may not do this to it.
    #[error("the key `{name}` covers `{id}` but may not {}", right.verb())]
    Operation {
        /// The key.
        name: String,
        /// The package.
        id: String,
        /// What it may not.
        right: Right,
    },
    /// No key covers the package.
    #[error("no key kept here covers `{id}`")]
    Glob {
        /// The package.
        id: String,
    },
}

impl NoKey {
    /// What to do next: one line.
    pub fn hint(&self) -> String {
        match self {
            Self::None => {
                "create a key on `https://www.nuget.org/account/apikeys`, then run `valetkey nuget keys add NAME`".into()
            }
            Self::Expired { name, .. } | Self::Refused { name, .. } => {
                format!("run `valetkey nuget keys refresh {name}`")
            }
            Self::Operation { right, .. } => format!(
                "create a key that may {} on `https://www.nuget.org/account/apikeys`, then run `valetkey nuget keys add NAME`",
                right.verb()
            ),
            Self::Glob { .. } => {
                "see what the keys cover with `valetkey nuget keys list`, and add one with `valetkey nuget keys add NAME`"
                    .into()
            }
        }
    }

    fn explain(keys: &[Key], wanted: &Wanted<'_>) -> Self {
        let id = wanted.id.to_string();
        let covering = || keys.iter().filter(|key| key.globs.covering(wanted.id).is_some());
        let fitting = || covering().filter(|key| key.operations.allow(wanted.right));
        let name = |key: &Key| key.name.to_string();
        if keys.is_empty() {
            Self::None
        } else if let Some(key) = fitting().filter(|key| key.refused_at.is_none()).min_by_key(|key| &key.name)
        {
            Self::Expired { name: name(key), id }
        } else if let Some(key) = fitting().min_by_key(|key| &key.name) {
            Self::Refused { name: name(key), id }
        } else if let Some(key) = covering().min_by_key(|key| (!key.is_live(wanted.now), &key.name)) {
            Self::Operation { name: name(key), id, right: wanted.right }
        } else {
            Self::Glob { id }
        }
    }
}

#[cfg(test)]
mod tests;
