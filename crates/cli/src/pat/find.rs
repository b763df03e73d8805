//! From what a person calls a token to the token.

use valetkey_protocol::{Answer, PatFilter, PatHeld, PatList, PatRequest, PatStatus, Pats, shown};

use super::{args::Which, question, short};
use crate::{failure::Failure, world::World};

/// Pages after which a list is given up that does not end.
const MOST_PAGES: usize = 1000;
/// Characters of an id that are enough to try it as the beginning of one.
const BEGINNING: usize = 4;

/// Every token of a list, page by page to the end.
pub(super) fn all(list: &PatList, world: &mut World<'_>) -> Result<Vec<PatStatus>, Failure> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let request = PatRequest::List(PatList { after: after.clone(), ..list.clone() });
        let Pats { pats, next } = match question(request, world)? {
            Answer::Pats(pats) => pats,
            other => return Err(Failure::unexpected(other)),
        };
        found.extend(pats);
        match next {
            None => return Ok(found),
            Some(next) if after.as_ref() == Some(&next) => break,
            next => after = next,
        }
    }
    Err(Failure::failed("the list of tokens does not end", "try again later"))
}

/// The one token that is meant.
pub(super) fn one(which: &Which, world: &mut World<'_>) -> Result<PatStatus, Failure> {
    if is_id(&which.token) {
        let request = PatRequest::Show { organisation: which.place.org.clone(), id: which.token.clone() };
        return match question(request, world)? {
            Answer::Pat(pat) => Ok(pat),
            other => Err(Failure::unexpected(other)),
        };
    }
    let organisation = which.place.org.clone();
    let list = PatList { organisation, filter: PatFilter::Active, ..PatList::default() };
    let pats = all(&list, world)?;
    choose(&which.token, &pats)?.map_or_else(|| Err(absent(&which.token, world)), Ok)
}

/// A value in the vault may be of another account than the one whose tokens were looked at.
fn absent(wanted: &str, world: &mut World<'_>) -> Failure {
    let kept = match question(PatRequest::Kept, world) {
        Ok(Answer::Pats(pats)) => pats.pats,
        _ => Vec::new(),
    };
    let named = |pat: &&PatStatus| matches!(&pat.held, PatHeld::Kept { name } if name == wanted);
    if let Some(pat) = kept.iter().find(named) {
        let organisation = shown(&pat.organisation);
        return Failure::failed(
            format!("the token kept as `{}` is of another account or organisation", shown(wanted)),
            format!(
                "pass `--org {organisation}`; where another account is used for it, run `valetkey account use \
                 {organisation} ACCOUNT` with the token's own first"
            ),
        );
    }
    Failure::failed(
        format!("no token that works is called `{}`", shown(wanted)),
        "`valetkey pat list` shows names and ids; one that has ended is named by its whole id",
    )
}

fn choose(wanted: &str, pats: &[PatStatus]) -> Result<Option<PatStatus>, Failure> {
    let kept = |pat: &PatStatus| matches!(&pat.held, PatHeld::Kept { name } if name == wanted);
    let named = |pat: &PatStatus| pat.name == wanted;
    // A token whose making was broken off has a mark behind its name.
    let marked = |pat: &PatStatus| {
        matches!(pat.held, PatHeld::Unsettled { .. })
            && pat.name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(" [valetkey "))
    };
    let begins = |pat: &PatStatus| {
        wanted.len() >= BEGINNING && pat.id.to_ascii_lowercase().starts_with(&wanted.to_ascii_lowercase())
    };
    let ways: [&dyn Fn(&PatStatus) -> bool; 4] = [&named, &kept, &begins, &marked];
    for way in ways {
        let mut found: Vec<&PatStatus> = pats.iter().filter(|pat| way(pat)).collect();
        match found.len() {
            0 => {}
            1 => return Ok(Some(found.remove(0).clone())),
            count => {
                let ids: Vec<_> = found.iter().map(|pat| format!("`{}`", shown(short(pat)))).collect();
                return Err(Failure::failed(
                    format!("{count} tokens are called `{}`", shown(wanted)),
                    format!("name it by its id: {}", ids.join(", ")),
                ));
            }
        }
    }
    Ok(None)
}

/// Whether it is a whole id, a GUID.
fn is_id(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
