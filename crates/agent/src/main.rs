//! The daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_agent::main()
}
