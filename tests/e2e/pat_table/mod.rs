//! docs/pat-lifecycle.md says what a person reads when something is wrong: this makes it happen, and compares.

mod answers;
mod coverage;
mod others;
mod policies;
mod redirect;
mod row;
mod sign_ins;
mod walk;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use valetkey_tests::Rig;

use row::Row;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pat-lifecycle.md");
/// Rigs that work side by side.
const WORKERS: usize = 3;

/// The rows of the first table.
fn rows() -> Vec<Row> {
    let mut rows = vec![row::row("all is well", "200, a token", |_| Ok(()))];
    rows.extend(policies::rows());
    rows.extend(answers::rows());
    rows.extend(sign_ins::rows());
    rows
}

/// What the page holds between two marks.
fn written(mark: &str) -> Result<String> {
    let text = fs::read_to_string(Path::new(PAGE)).context("there is no docs/pat-lifecycle.md")?;
    let (_, rest) =
        text.split_once(&format!("<!-- {mark} -->\n")).context("the page marks where a table begins")?;
    let (written, _) =
        rest.split_once(&format!("<!-- /{mark} -->")).context("the page marks where a table ends")?;
    Ok(written.to_owned())
}

#[test]
fn the_page_says_what_a_person_reads() -> Result<()> {
    let head = "| situation | the service says | Valetkey does | the person reads | git says |\n\
                |---|---|---|---|---|\n";
    let table = walked(rows, |row| row.situation, walk::made)?;
    compare("table", &format!("{head}{table}"))
}

#[test]
fn the_page_says_what_other_commands_say() -> Result<()> {
    let head = "| command | situation | the service says | the person reads |\n|---|---|---|---|\n";
    let table =
        walked(others::rows, |(_, row)| row.situation, |rig, (verb, row)| walk::told(rig, *verb, row))?;
    compare("others", &format!("{head}{table}"))
}

fn compare(mark: &str, table: &str) -> Result<()> {
    let written = written(mark)?;
    ensure!(
        written.trim() == table.trim(),
        "put this between the marks `{mark}` of docs/pat-lifecycle.md:\n{table}"
    );
    Ok(())
}

/// A line for each row, in order, by workers that have a rig each.
fn walked<T>(
    rows: impl Fn() -> Vec<T> + Sync,
    situation: impl Fn(&T) -> &'static str + Sync,
    look: impl Fn(&Rig, &T) -> Result<String> + Sync,
) -> Result<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        // What makes a situation cannot be shared between threads, so every worker has rows of its own.
        let rows = rows();
        let rig = Rig::signed_in_keeping_secrets()?;
        let mut said = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(at) else { return Ok(said) };
            let line = look(&rig, row).with_context(|| situation(row));
            said.push((at, line));
        }
    };
    let mut said: Vec<(usize, Result<String>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker ended")).collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    said.sort_by_key(|(at, _)| *at);
    ensure!(said.len() == rows().len(), "not all rows were looked at");
    let wrong: Vec<_> =
        said.iter().filter_map(|(_, line)| line.as_ref().err()).map(|error| format!("{error:#}")).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    said.into_iter().map(|(_, line)| line).collect()
}
