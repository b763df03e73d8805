//! What to change in git's configuration, decided from what stands in it.
//!
//! Every address gets a block of its own: an empty helper, which makes git forget the helpers named before it (they
//! would store our keys in plain text), ours, and `useHttpPath` where the organisation stands in the path. git cannot
//! remove one of two equal values of a key, so where entries already stand under an address, the block goes under the
//! same address spelled with a closing slash, which git reads as the same address. Taking out is then exact.

use super::{
    command::is_ours,
    git::{Entry, File, Git, GitError},
    host::Host,
};

/// One change, or a thing that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A value is added after those the key has.
    Add {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A value is taken out.
    Remove {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A value takes another's place.
    Replace {
        /// The key.
        key: String,
        /// The value that goes.
        old: String,
        /// The value that comes.
        new: String,
    },
    /// A value is there more than once, so git cannot tell which one is ours.
    Leave {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
}

/// Makes git ask `helper` for these hosts and gives what was changed: nothing, when that was so already.
pub(crate) fn put_in(git: &Git, file: File, hosts: &[Host], helper: &str) -> Result<Vec<Change>, GitError> {
    let entries = git.entries(file)?;
    apply(git, file, hosts.iter().flat_map(|host| block(&entries, host, helper)).collect())
}

/// Takes out what [`put_in`] put in, for these hosts or for all where none is named.
pub(crate) fn take_out(git: &Git, file: File, hosts: &[Host]) -> Result<Vec<Change>, GitError> {
    let entries = git.entries(file)?;
    apply(git, file, removal(&entries, hosts))
}

/// Helpers that git asks for `host` although ours is there: those named after it.
pub(crate) fn later_helpers(entries: &[Entry], host: &Host) -> Vec<String> {
    let matches = |entry: &Entry| match entry.address() {
        None => true,
        Some(address) => {
            address.strip_prefix(&host.address).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    };
    let helpers: Vec<_> = entries.iter().filter(|entry| entry.is_helper() && matches(entry)).collect();
    match helpers.iter().rposition(|entry| is_ours(&entry.value)) {
        Some(last) => {
            helpers[last + 1..].iter().map(|entry| format!("{}={}", entry.key, entry.value)).collect()
        }
        None => Vec::new(),
    }
}

fn block(entries: &[Entry], host: &Host, helper: &str) -> Vec<Change> {
    let spellings = [host.address.clone(), format!("{}/", host.address)];
    let set_up = spellings.iter().find(|spelling| ours(entries, spelling).next().is_some());
    let Some(spelling) = set_up else {
        let free =
            |spelling: &&String| !entries.iter().any(|entry| entry.address() == Some(spelling.as_str()));
        return new_block(spellings.iter().find(free).unwrap_or(&spellings[1]), host, helper);
    };
    let mut changes: Vec<_> = ours(entries, spelling)
        .filter(|entry| entry.value != helper)
        .map(|entry| Change::Replace {
            key: entry.key.clone(),
            old: entry.value.clone(),
            new: helper.to_owned(),
        })
        .collect();
    let path_key = format!("credential.{spelling}.usehttppath");
    let path_told =
        entries.iter().rfind(|entry| entry.key == path_key).is_some_and(|entry| entry.value == "true");
    if host.path_matters && !path_told {
        changes.push(Change::Add { key: path_setting(spelling), value: "true".to_owned() });
    }
    changes
}

fn new_block(spelling: &str, host: &Host, helper: &str) -> Vec<Change> {
    let key = format!("credential.{spelling}.helper");
    let mut changes = vec![
        Change::Add { key: key.clone(), value: String::new() },
        Change::Add { key, value: helper.to_owned() },
    ];
    if host.path_matters {
        changes.push(Change::Add { key: path_setting(spelling), value: "true".to_owned() });
    }
    changes
}

fn path_setting(spelling: &str) -> String {
    format!("credential.{spelling}.useHttpPath")
}

fn ours<'a>(entries: &'a [Entry], spelling: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries
        .iter()
        .filter(move |entry| entry.is_helper() && entry.address() == Some(spelling) && is_ours(&entry.value))
}

fn removal(entries: &[Entry], hosts: &[Host]) -> Vec<Change> {
    let wanted = |address: &str| {
        hosts.is_empty() || hosts.iter().any(|host| host.address == address.trim_end_matches('/'))
    };
    let mut spellings: Vec<_> = entries
        .iter()
        .filter(|entry| entry.is_helper() && is_ours(&entry.value))
        .filter_map(Entry::address)
        .filter(|address| wanted(address))
        .collect();
    spellings.dedup();
    spellings.into_iter().flat_map(|spelling| block_removal(entries, spelling)).collect()
}

fn block_removal(entries: &[Entry], spelling: &str) -> Vec<Change> {
    let helpers: Vec<_> =
        entries.iter().filter(|entry| entry.is_helper() && entry.address() == Some(spelling)).collect();
    let mut gone: Vec<_> = helpers.iter().filter(|entry| is_ours(&entry.value)).copied().collect();
    let reset = helpers.windows(2).find(|pair| pair[0].value.is_empty() && is_ours(&pair[1].value));
    gone.extend(reset.map(|pair| pair[0]));
    if !spelling.contains('*') {
        let key = path_setting(spelling).to_lowercase();
        gone.extend(entries.iter().rfind(|entry| entry.key.to_lowercase() == key && entry.value == "true"));
    }
    gone.dedup();
    gone.into_iter()
        .map(|entry| {
            let (key, value) = (entry.key.clone(), entry.value.clone());
            let alone = entries.iter().filter(|other| *other == entry).count() == 1;
            if alone { Change::Remove { key, value } } else { Change::Leave { key, value } }
        })
        .collect()
}

/// Makes the changes; when git refuses one, those before it are taken back, so that no half of a block stays.
fn apply(git: &Git, file: File, changes: Vec<Change>) -> Result<Vec<Change>, GitError> {
    for (done, change) in changes.iter().enumerate() {
        if let Err(error) = make(git, file, change) {
            for change in changes[..done].iter().rev() {
                // The first refusal is the one to tell about.
                let _ = make(git, file, &inverse(change));
            }
            return Err(error);
        }
    }
    Ok(changes)
}

fn make(git: &Git, file: File, change: &Change) -> Result<(), GitError> {
    match change {
        Change::Add { key, value } => git.add(file, key, value),
        Change::Remove { key, value } => git.remove(file, key, value),
        Change::Replace { key, old, new } => git.replace(file, key, old, new),
        Change::Leave { .. } => Ok(()),
    }
}

fn inverse(change: &Change) -> Change {
    match change.clone() {
        Change::Add { key, value } => Change::Remove { key, value },
        Change::Remove { key, value } => Change::Add { key, value },
        Change::Replace { key, old, new } => Change::Replace { key, old: new, new: old },
        left @ Change::Leave { .. } => left,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELPER: &str = "/usr/bin/git-credential-valetkey";

    /// What git does with a change, for entries of one file whose sections are each in one place.
    fn after(mut entries: Vec<Entry>, changes: &[Change]) -> Vec<Entry> {
        for change in changes {
            match change {
                Change::Add { key, value } => {
                    let (section, name) = key.rsplit_once('.').unwrap();
                    let entry =
                        Entry { key: format!("{section}.{}", name.to_lowercase()), value: value.clone() };
                    let same =
                        |other: &Entry| other.key.rsplit_once('.').is_some_and(|(its, _)| its == section);
                    let at = entries.iter().rposition(same).map_or(entries.len(), |last| last + 1);
                    entries.insert(at, entry);
                }
                Change::Remove { key, value } => {
                    assert_eq!(entries.iter().filter(|e| e.key == *key && e.value == *value).count(), 1);
                    entries.retain(|entry| entry.key != *key || entry.value != *value);
                }
                Change::Replace { key, old, new } => {
                    let entry = entries.iter_mut().find(|e| e.key == *key && e.value == *old).unwrap();
                    entry.value.clone_from(new);
                }
                Change::Leave { .. } => {}
            }
        }
        entries
    }

    fn all(entries: &[Entry], helper: &str) -> Vec<Change> {
        Host::built_in().iter().flat_map(|host| block(entries, host, helper)).collect()
    }

    fn persons_own() -> impl Strategy<Value = Vec<Entry>> {
        let section = prop_oneof![
            Just(""),
            Just("https://dev.azure.com."),
            Just("https://*.visualstudio.com."),
            Just("https://github.com."),
            Just("https://dev.azure.com/contoso.")
        ];
        let setting = prop_oneof![
            Just(("helper", "")),
            Just(("helper", "store")),
            Just(("helper", "manager")),
            Just(("usehttppath", "true")),
            Just(("usehttppath", "false")),
            Just(("username", "alice"))
        ];
        proptest::collection::vec((section, setting), 0..8).prop_map(|mut lines| {
            lines.sort_by_key(|(section, _)| *section);
            let entry = |(section, (name, value)): (&str, (&str, &str))| Entry {
                key: format!("credential.{section}{name}"),
                value: value.to_owned(),
            };
            lines.into_iter().map(entry).collect()
        })
    }

    proptest! {
        #[test]
        fn taking_out_gives_back_what_was_there(before in persons_own()) {
            let put = after(before.clone(), &all(&before, HELPER));
            prop_assert_eq!(all(&put, HELPER), []);
            prop_assert_eq!(after(put.clone(), &removal(&put, &[])), before);
        }

        #[test]
        fn ours_is_the_only_helper_asked(before in persons_own()) {
            let put = after(before.clone(), &all(&before, HELPER));
            for host in Host::built_in() {
                prop_assert_eq!(later_helpers(&put, &host), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn a_moved_helper_is_replaced() {
        let old = after(Vec::new(), &all(&[], "/old/git-credential-valetkey"));
        let changes = all(&old, HELPER);
        assert_eq!(changes.len(), 2);
        assert_eq!(after(old, &changes), after(Vec::new(), &all(&[], HELPER)));
    }

    #[test]
    fn a_helper_named_later_is_told() {
        let mut entries = after(Vec::new(), &all(&[], HELPER));
        entries.push(Entry { key: "credential.helper".to_owned(), value: "store".to_owned() });
        assert_eq!(later_helpers(&entries, &Host::built_in()[0]), ["credential.helper=store"]);
    }
}
