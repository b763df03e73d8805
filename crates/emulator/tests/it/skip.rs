//! Tests that cannot run here say so where it is counted.

use std::{ffi::OsString, fs::OpenOptions, io::Write as _, path::PathBuf};

/// The `dotnet` named by `VALETKEY_DOTNET`, or the one on `PATH`; where there is none, the skip is recorded, and
/// in CI it is a failure.
#[track_caller]
pub(crate) fn dotnet(test: &str) -> Option<PathBuf> {
    let on_path = || {
        let path = variable("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("dotnet")).find(|program| program.is_file())
    };
    let found = variable("VALETKEY_DOTNET").map(PathBuf::from).or_else(on_path);
    if found.is_none() {
        assert!(variable("CI").is_none(), "{test} must not be skipped in CI: there is no `dotnet`");
        if let Some(list) = variable("VALETKEY_SKIPS") {
            let mut list = OpenOptions::new().create(true).append(true).open(list).expect("list of skips");
            writeln!(list, "{test}: there is no `dotnet`").expect("list of skips");
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "variables of the test run, not of the product")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
