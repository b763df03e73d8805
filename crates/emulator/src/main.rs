//! `valetkey-emulator`: the emulator as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_emulator::run()
}
