//! What each client was seen to do, as a table: client by case.
//!
//! The tests write a line when a cell begins and one when it is concluded. Nothing but a conclusion makes a `yes`: a cell
//! that began and was never concluded has failed, one that never began was not run.

use std::{collections::BTreeSet, fmt::Write as _};

/// Names the file the tests write to.
pub(crate) const FILE: &str = "VALETKEY_MATRIX";

/// A line of the file.
struct Line<'a> {
    client: &'a str,
    version: &'a str,
    case: &'a str,
    state: &'a str,
    why: &'a str,
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut fields = text.split('\t');
        let mut next = || fields.next();
        Some(Self { client: next()?, version: next()?, case: next()?, state: next()?, why: next()? })
    }
}

/// The table, with a line for each cell that needs a reason; nothing where no cell began.
pub(crate) fn table(recorded: &str) -> Option<String> {
    let lines: Vec<_> = recorded.lines().filter_map(Line::read).collect();
    let clients: BTreeSet<_> = lines.iter().map(|line| line.client).collect();
    let cases = each_once(lines.iter().map(|line| line.case));
    if clients.is_empty() {
        return None;
    }
    let mut table = format!("| client | version | {} |\n", cases.join(" | "));
    let _ = writeln!(table, "|{}", " --- |".repeat(cases.len() + 2));
    let mut reasons = BTreeSet::new();
    for client in clients {
        let its: Vec<_> = lines.iter().filter(|line| line.client == client).collect();
        let versions = each_once(its.iter().map(|line| line.version).filter(|version| !version.is_empty()));
        let version = if versions.is_empty() { "not known".to_owned() } else { versions.join("; ") };
        let _ = write!(table, "| {client} | {version} |");
        for case in &cases {
            let cell: Vec<_> = its.iter().filter(|line| line.case == *case).copied().collect();
            let _ = write!(table, " {} |", state(&cell));
            let told = cell.iter().filter(|line| !line.why.is_empty());
            reasons.extend(told.map(|line| format!("{}: {client}: {case}: {}\n", line.state, line.why)));
        }
        table.push('\n');
    }
    table.extend(reasons);
    Some(table)
}

/// How a cell stands: as badly as the worst of its tests.
fn state(cell: &[&Line<'_>]) -> &'static str {
    let count = |state| cell.iter().filter(|line| line.state == state).count();
    let (begun, cannot, skipped, yes) = (count("begun"), count("cannot"), count("skipped"), count("yes"));
    let concluded = cannot + skipped + yes;
    if cell.is_empty() {
        "not run"
    } else if begun != concluded || begun + concluded != cell.len() {
        "FAILED"
    } else if cannot > 0 {
        "cannot"
    } else if skipped > 0 {
        "skipped"
    } else {
        "yes"
    }
}

/// By name: the order in the file is that of the threads.
fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[[&str; 5]]) -> String {
        lines.iter().map(|line| line.join("\t") + "\n").collect()
    }

    #[test]
    fn only_what_was_concluded_reads_as_passed() {
        let recorded = file(&[
            ["dotnet", "", "push", "begun", ""],
            ["dotnet", "", "restore", "begun", ""],
            ["mono", "", "restore", "begun", ""],
            ["dotnet", "SDK 10", "restore", "yes", ""],
            ["mono", "", "restore", "skipped", "no mono"],
            ["mono", "5.8", "sign-in", "begun", ""],
            ["mono", "5.8", "sign-in", "cannot", "no plugin"],
        ]);
        let expected = "\
| client | version | push | restore | sign-in |
| --- | --- | --- | --- | --- |
| dotnet | SDK 10 | FAILED | yes | not run |
| mono | 5.8 | not run | skipped | cannot |
cannot: mono: sign-in: no plugin
skipped: mono: restore: no mono
";
        assert_eq!(table(&recorded).as_deref(), Some(expected));
    }

    #[test]
    fn a_cell_of_two_tests_is_as_bad_as_the_worse() {
        let begun = ["dotnet", "", "restore", "begun", ""];
        let end = |state| ["dotnet", "1", "restore", state, ""];
        for (lines, expected) in [
            (vec![begun, begun, end("yes")], "FAILED"),
            (vec![begun, end("yes"), begun], "FAILED"),
            (vec![begun, begun, end("yes"), end("cannot")], "cannot"),
            (vec![begun, end("passed")], "FAILED"),
            (vec![end("yes")], "FAILED"),
            (vec![begun, end("yes")], "yes"),
        ] {
            let table = table(&file(&lines)).unwrap();
            assert!(table.lines().nth(2).unwrap().ends_with(&format!("| {expected} |")), "{table}");
        }
    }

    #[test]
    fn nothing_recorded_is_no_table() {
        assert_eq!(table(""), None);
        assert_eq!(table("noise\nmore\tnoise"), None);
    }
}
