//! Revoking tokens, one after the other.

use std::io;

use serde::Serialize;
use valetkey_protocol::{Answer, PatRequest, PatStatus, Revoked, shown};

use super::{
    args::{Place, Which},
    find, question, short,
};
use crate::{
    exit::Exit,
    failure::{Failure, Outcome, Told},
    verbs::{hint, report_revoked, warning},
    world::World,
};

/// What became of each token that was named.
#[derive(Debug, Default, Serialize)]
struct Fates {
    /// Dead now.
    revoked: Vec<Named>,
    /// Not dead yet; the agent goes on trying.
    pending: Vec<Pending>,
    /// The one at which it ended.
    failed: Option<Failed>,
    /// Those behind that one: nothing was done with them.
    not_tried: Vec<Named>,
    #[serde(skip)]
    total: Revoked,
}

#[derive(Debug, Serialize)]
struct Named {
    id: String,
    name: String,
    organisation: String,
}

#[derive(Debug, Serialize)]
struct Pending {
    #[serde(flatten)]
    token: Named,
    sentence: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    #[serde(flatten)]
    token: Named,
    sentence: String,
    hints: Vec<String>,
}

impl From<&PatStatus> for Named {
    fn from(pat: &PatStatus) -> Self {
        Self { id: pat.id.clone(), name: pat.name.clone(), organisation: pat.organisation.clone() }
    }
}

pub(super) fn run(tokens: &[String], place: Place, json: bool, world: &mut World<'_>) -> Outcome {
    let pats = match named(tokens, place, world) {
        Ok(pats) => pats,
        Err(failure) if tokens.len() > 1 => {
            warning(world, "none of them was revoked")?;
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    let (fates, failure) = revoke(&pats, world);
    let written = match (&failure, json) {
        (_, true) => print(&fates, world),
        (Some(_), false) if pats.len() > 1 => tell(&pats, &fates, world),
        _ => Ok(()),
    };
    // A reader who has gone makes no success of it.
    if let Some(failure) = failure {
        return Err(failure);
    }
    written?;
    match json {
        true if fates.pending.is_empty() => Ok(Exit::Done),
        true => Ok(Exit::Refused),
        false => report_revoked(&fates.total, world),
    }
}

fn print(fates: &Fates, world: &mut World<'_>) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *world.out, fates).map_err(io::Error::from)?;
    writeln!(world.out)
}

/// All are found before one is revoked: a name that is mistyped stops the rest.
fn named(tokens: &[String], place: Place, world: &mut World<'_>) -> Result<Vec<PatStatus>, Failure> {
    let mut which = Which { token: String::new(), place };
    let mut pats: Vec<PatStatus> = Vec::new();
    for token in tokens {
        token.clone_into(&mut which.token);
        let pat = find::one(&which, world)?;
        if pats.iter().all(|other| other.id != pat.id) {
            pats.push(pat);
        }
    }
    Ok(pats)
}

/// Revokes until one fails.
fn revoke(pats: &[PatStatus], world: &mut World<'_>) -> (Fates, Option<Failure>) {
    let mut fates = Fates::default();
    for (at, pat) in pats.iter().enumerate() {
        let request = PatRequest::Revoke { organisation: Some(pat.organisation.clone()), id: pat.id.clone() };
        let answer = match question(request, world) {
            Ok(Answer::Revoked(one)) => Ok(one),
            Ok(other) => Err(Failure::unexpected(other)),
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(one) => fates.add(pat.into(), one),
            Err(failure) => {
                let Told { sentence, hints, .. } = failure.told();
                fates.failed = Some(Failed { token: pat.into(), sentence, hints });
                fates.not_tried = pats[at + 1..].iter().map(Named::from).collect();
                return (fates, Some(failure));
            }
        }
    }
    (fates, None)
}

impl Fates {
    fn add(&mut self, token: Named, one: Revoked) {
        let total = &mut self.total;
        total.revoked += one.revoked;
        total.pending += one.pending;
        total.sought += one.sought;
        total.ending.extend(one.ending);
        total.left.extend(one.left);
        if !one.sentence.is_empty() {
            total.sentence.clone_from(&one.sentence);
        }
        if one.pending == 0 {
            self.revoked.push(token);
        } else {
            self.pending.push(Pending { token, sentence: one.sentence });
        }
    }
}

/// Of several: which are dead, which is the one that failed, and which were not come to. Why it failed follows.
fn tell(pats: &[PatStatus], fates: &Fates, world: &mut World<'_>) -> io::Result<()> {
    let (done, rest) = pats.split_at(fates.revoked.len() + fates.pending.len());
    let is_dead = |pat: &&PatStatus| fates.revoked.iter().any(|token| token.id == pat.id);
    let dead = list(done.iter().filter(is_dead));
    if !dead.is_empty() {
        let _ = writeln!(world.out, "revoked: {dead}");
    }
    let waiting = list(done.iter().filter(|pat| !is_dead(pat)));
    if !waiting.is_empty() {
        warning(world, &format!("not revoked yet, and tried again by the agent: {waiting}"))?;
    }
    warning(world, &format!("failed: {}", list(rest.iter().take(1))))?;
    if rest.len() > 1 {
        warning(world, &format!("not tried: {}", list(rest.iter().skip(1))))?;
    }
    let ids: Vec<_> = rest.iter().map(|pat| shown(&pat.id)).collect();
    let organisation = rest.first().map_or_else(String::new, |pat| shown(&pat.organisation));
    hint(world, &format!("the rest: `valetkey pat revoke --org {organisation} {}`", ids.join(" ")))
}

fn list<'a>(pats: impl Iterator<Item = &'a PatStatus>) -> String {
    let named = |pat: &PatStatus| format!("`{}` ({})", shown(&pat.name), shown(short(pat)));
    pats.map(named).collect::<Vec<_>>().join(", ")
}
