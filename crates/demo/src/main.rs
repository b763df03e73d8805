//! The demo's program; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_demo::main()
}
