//! `valetkey pat audit`: tokens that may do too much or live too long, and what to put in their place.

use std::io;

use serde::Serialize;
use valetkey_protocol::{PatHeld, PatList, PatStatus, shown};
use valetkey_scopes as scope;

use super::{args::Place, find, short};
use crate::{duration, exit::Exit, failure::Outcome, style, world::World};

/// A token that lives longer than this from beginning to end is called long-lived, in seconds.
const LONG: u64 = 90 * 86_400;
/// What is offered in its place.
const SHORT: &str = "30d";

/// What is wrong with one token.
#[derive(Debug, Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    pat: &'a PatStatus,
    findings: Vec<Finding>,
    /// Commands, one after the other.
    instead: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    kind: &'static str,
    sentence: String,
}

pub(super) fn run(place: Place, json: bool, world: &mut World<'_>) -> Outcome {
    let list = PatList { organisation: place.org, ..PatList::default() };
    let pats = find::all(&list, world)?;
    let found: Vec<_> =
        pats.iter().map(|pat| look_at(pat, world.place.now)).filter(|one| !one.findings.is_empty()).collect();
    let wrong = found.iter().any(|one| one.findings.iter().any(|finding| finding.kind != "unused"));
    if json {
        serde_json::to_writer_pretty(&mut *world.out, &found).map_err(io::Error::from)?;
        writeln!(world.out)?;
    } else if found.is_empty() {
        writeln!(world.err, "{} looked at: nothing to see to", tokens(pats.len()))?;
    } else {
        found.iter().try_for_each(|one| show(one, world))?;
    }
    Ok(if wrong { Exit::Refused } else { Exit::Done })
}

fn tokens(count: usize) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

fn look_at(pat: &PatStatus, now: u64) -> Found<'_> {
    let mut findings = Vec::new();
    let mut note = |kind, sentence| findings.push(Finding { kind, sentence });
    if pat.all_organisations {
        note(
            "all-organisations",
            "good for all your organisations; such tokens end on 2026-12-01".to_owned(),
        );
    }
    for name in pat.scope.split_ascii_whitespace() {
        match scope::find(name) {
            Some(known) if known.wide => note("wide", format!("`{name}`: {}", known.what)),
            Some(_) => {}
            None => note("unlisted", format!("`{}` is no scope that Azure DevOps lists", shown(name))),
        }
    }
    let life = pat.expires_at.saturating_sub(pat.created_at);
    if pat.created_at > 0 && life > LONG {
        note(
            "long-lived",
            format!("made for {}, {} are left", duration::shown(life), duration::left(pat.expires_at, now)),
        );
    }
    match &pat.held {
        PatHeld::Unsettled { .. } => {
            note("unsettled", "making it was broken off; its value may be nowhere".to_owned());
        }
        PatHeld::No => {
            note("unused", "Valetkey does not use it, and Azure DevOps does not say who does".to_owned());
        }
        _ => {}
    }
    let instead = instead(pat, &findings);
    Found { pat, findings, instead }
}

/// Scopes for which the agent hands out keys by itself.
fn is_handed_out(scopes: &str) -> bool {
    !scopes.is_empty()
        && scopes.split_ascii_whitespace().all(|name| {
            scope::includes(scope::CODE_FULL, name) || scope::includes(scope::PACKAGING_MANAGE, name)
        })
}

fn instead(pat: &PatStatus, findings: &[Finding]) -> Vec<String> {
    let has = |kind: &str| findings.iter().any(|finding| finding.kind == kind);
    let (id, org) = (short(pat), &pat.organisation);
    let revoke = format!("valetkey pat revoke --org {org} {id}");
    if pat.held == PatHeld::Key {
        return Vec::new();
    }
    if has("unsettled") {
        return vec![format!("valetkey pat regenerate --org {org} {id}"), revoke];
    }
    let narrow = quoted(&narrower(&pat.scope));
    if has("all-organisations") {
        let create = format!(
            "valetkey pat create {} --org {org} --scope {narrow} --expires {SHORT}",
            quoted(&pat.name)
        );
        return vec![create, revoke];
    }
    if !has("wide") && !has("long-lived") && !has("unlisted") {
        return vec![revoke];
    }
    let regenerate = format!("valetkey pat regenerate --org {org} {id} --scope {narrow} --expires {SHORT}");
    // git and NuGet need no token at all.
    if is_handed_out(&pat.scope) {
        vec!["valetkey setup git && valetkey setup nuget".to_owned(), revoke]
    } else {
        vec![regenerate]
    }
}

/// The scopes with a narrower one in place of each wide one, as far as there is one.
fn narrower(scopes: &str) -> String {
    let narrow = scopes.split_ascii_whitespace().map(|name| match scope::find(name) {
        Some(known) if known.wide => known.narrower().map_or("SCOPE", |narrower| narrower.name),
        _ => name,
    });
    narrow.collect::<Vec<_>>().join(" ")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", shown(word).replace('\'', r"'\''"))
}

fn show(found: &Found<'_>, world: &mut World<'_>) -> io::Result<()> {
    let strong = style::STRONG;
    let pat = found.pat;
    writeln!(
        world.out,
        "{strong}{}{strong:#}  {}  {}",
        shown(short(pat)),
        shown(&pat.name),
        shown(&pat.scope)
    )?;
    for finding in &found.findings {
        writeln!(world.out, "  {}: {}", finding.kind, finding.sentence)?;
    }
    found.instead.iter().try_for_each(|command| writeln!(world.out, "  → {}", shown(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_narrower() {
        assert_eq!(narrower("vso.code_full vso.work"), "vso.code_write vso.work");
        assert_eq!(narrower("app_token"), "SCOPE");
        assert_eq!(narrower("vso.unheard"), "vso.unheard");
        assert!(is_handed_out("vso.code_write vso.packaging") && !is_handed_out("vso.code vso.work"));
        assert!(!is_handed_out("app_token") && !is_handed_out(""));
    }

    #[test]
    fn a_name_is_one_word_of_the_shell() {
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        let pat = PatStatus { scope: "vso.x';rm vso.code_full".to_owned(), ..PatStatus::default() };
        let found = look_at(&pat, 0);
        assert!(found.instead[0].contains(r"--scope 'vso.x'\'';rm vso.code_write'"), "{:?}", found.instead);
    }
}
