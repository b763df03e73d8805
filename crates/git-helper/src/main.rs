//! git's way to Valetkey.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_git_helper::main()
}
