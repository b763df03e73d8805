//! The program `valetkey`: everything is in the library.

fn main() -> std::process::ExitCode {
    valetkey_cli::main()
}
