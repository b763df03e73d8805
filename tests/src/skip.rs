//! A test that cannot run here says so, and is counted; in CI it fails instead.

use std::{fs::OpenOptions, io::Write as _};

use valetkey_demo::find_on_path;

/// Whether every one of these programs is here; if not, the skip is recorded.
#[must_use]
#[track_caller]
pub fn needs(test: &str, programs: &[&str]) -> bool {
    match programs.iter().find(|program| find_on_path(program).is_none()) {
        None => true,
        Some(missing) => {
            skip(test, &format!("`{missing}` is not installed"));
            false
        }
    }
}

/// Records that a test was skipped, and why.
///
/// # Panics
/// In CI, where nothing may be skipped.
#[track_caller]
pub fn skip(test: &str, reason: &str) {
    assert!(variable("CI").is_none(), "{test} must not be skipped in CI: {reason}");
    eprintln_line(&format!("skipped: {test}: {reason}"));
    let Some(path) = variable("VALETKEY_SKIPS") else { return };
    let file = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(format!("{test}: {reason}\n").as_bytes()));
    assert!(written.is_ok(), "the skip of {test} could not be recorded");
}

/// A variable of the test run, if it is set and not empty.
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    #[expect(clippy::disallowed_methods, reason = "variables of the test run, not of the product")]
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty())
}

fn eprintln_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
