//! NuGet's way to Valetkey.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_nuget_helper::main()
}
