//! Tests that cannot run here say so where it is counted.

use std::{env, fs::OpenOptions, io::Write as _, path::Path};

/// Records that a test was skipped. Where everything must be there (`CI=true`) it fails instead.
pub(crate) fn skip(reason: &str) {
    assert_ne!(variable("CI").as_deref(), Some("true"), "{reason}");
    println!("skipped: {reason}");
    if let Some(list) = variable("VALETKEY_SKIPS") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "vault: {reason}").unwrap();
    }
}

/// Whether the programs are there; where one is not, the skip is recorded.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = variable("PATH").unwrap_or_default();
    let missing =
        programs.iter().find(|name| !env::split_paths(&path).any(|folder| is_program(&folder.join(name))));
    if let Some(name) = missing {
        skip(&format!("`{name}` is not installed"));
    }
    missing.is_none()
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[expect(clippy::disallowed_methods, reason = "variables of the test run, not of the product")]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
