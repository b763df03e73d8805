//! From the crate's words to the socket's, and back.

use valetkey_nuget_org::{Glob, Globs, Key, KeyKind, Operation, Operations, Verdict, Warning};
use valetkey_protocol::{NugetKeyStatus, NugetRight, NugetVerdict, Reason, Refusal, shown};

/// What may be told of a key.
pub(super) fn status(key: &Key, now: u64) -> NugetKeyStatus {
    NugetKeyStatus {
        name: key.name.to_string(),
        owner: key.owner.clone(),
        globs: key.globs.iter().map(|glob| glob.as_str().to_owned()).collect(),
        operations: ALL
            .into_iter()
            .filter(|(_, it)| holds(&key.operations, *it))
            .map(|(word, _)| word)
            .collect(),
        expires_at: key.expires_at,
        kind: match key.kind {
            KeyKind::V4 => "v4".to_owned(),
            KeyKind::V5 => "v5".to_owned(),
        },
        refused_at: key.refused_at,
        warning: expiry_warning(key, now),
    }
}

const ALL: [(NugetRight, Operation); 3] = [
    (NugetRight::Push, Operation::Push),
    (NugetRight::PushVersion, Operation::PushVersion),
    (NugetRight::Unlist, Operation::Unlist),
];

fn holds(operations: &Operations, operation: Operation) -> bool {
    operations.to_string().split(", ").any(|name| name == operation.name())
}

/// What is not known is left out: a key is never chosen for it.
pub(super) fn operations(rights: &[NugetRight]) -> Operations {
    ALL.into_iter().filter(|(word, _)| rights.contains(word)).map(|(_, it)| it).collect()
}

pub(super) fn globs(patterns: &[String]) -> Result<Globs, Refusal> {
    let one = |text: &String| {
        Glob::parse(text).ok_or_else(|| {
            let sentence = format!("`{}` is not a pattern over package ids", shown(text));
            Refusal::new(Reason::BadRequest, sentence, "write it as on nuget.org; only `*` is a wildcard")
        })
    };
    Ok(Globs::from(patterns.iter().map(one).collect::<Result<Vec<_>, _>>()?))
}

/// One line where a person should see to the key.
pub(super) fn expiry_warning(key: &Key, now: u64) -> Option<String> {
    let name = &key.name;
    let told = match key.refused_at {
        Some(_) => "is not taken by nuget.org any more".to_owned(),
        None => key.expiry(now).warning()?,
    };
    Some(format!("the nuget.org key `{name}` {told}: run `valetkey nuget keys refresh {name}`"))
}

pub(super) fn verdict(verdict: Verdict) -> NugetVerdict {
    match verdict {
        Verdict::MayPush => NugetVerdict::MayPush,
        Verdict::NoSuchPackage => NugetVerdict::NoSuchPackage,
    }
}

pub(super) fn warnings(told: &[Warning]) -> Vec<String> {
    let line = |warning: &Warning| match warning {
        Warning::Expires { days } => format!("nuget.org says that the key expires in {days} days"),
        Warning::Expired => "nuget.org says that the key has expired".to_owned(),
        Warning::Other(text) => shown(text),
    };
    told.iter().map(line).collect()
}
