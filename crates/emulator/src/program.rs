//! The emulator as a program: starts, says where it listens, runs until its standard input ends.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use lexopt::{Arg, Parser, ValueExt};
use serde_json::json;

use crate::{Emulator, Options};

const USAGE: &str =
    "usage: valetkey-emulator [--sealed ADDRESS:PORT] [--sign-in-as USER] [--seed NUMBER] [--ca-file PATH]

Microsoft Entra, Azure DevOps and nuget.org on loopback, for tests.
Prints one line of JSON with the addresses and runs until its standard input ends.

  --sealed ADDRESS:PORT  all hosts on one address, under Microsoft's own names
  --sign-in-as USER      sign this user in without showing the page (alice, bob, carol, dave, msa-erin)
  --seed NUMBER          same seed, same identifiers and secrets (default 1)
  --ca-file PATH         write the throw-away authority's certificate here
";

/// Runs the program on the process's arguments and streams.
pub fn run() -> ExitCode {
    let outcome = parse(std::env::args_os().skip(1)).and_then(|asked| match asked {
        Some(asked) => serve(asked, &mut io::stdin(), &mut io::stdout()),
        None => Ok(io::stdout().write_all(USAGE.as_bytes())?),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nobody left to tell then.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, Default)]
struct Asked {
    options: Options,
    ca_file: Option<PathBuf>,
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Asked>> {
    let mut asked = Asked::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("sealed") => asked.options.sealed = Some(parser.value()?.parse()?),
            Arg::Long("sign-in-as") => asked.options.sign_in_as = Some(parser.value()?.string()?),
            Arg::Long("seed") => asked.options.seed = parser.value()?.parse()?,
            Arg::Long("ca-file") => asked.ca_file = Some(parser.value()?.into()),
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(asked))
}

fn serve(asked: Asked, input: &mut impl Read, output: &mut impl Write) -> Result<()> {
    let emulator = Emulator::start(asked.options)?;
    if let Some(path) = &asked.ca_file {
        std::fs::write(path, emulator.ca_pem()).with_context(|| format!("writing `{}`", path.display()))?;
    }
    let line = json!({"urls": emulator.urls(), "ca_pem": emulator.ca_pem(), "client_id": crate::APP_MINT});
    writeln!(output, "{line}")?;
    output.flush()?;
    io::copy(input, &mut io::sink())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_the_hosts_are() {
        let arguments = ["--sign-in-as", "alice", "--seed", "9"].map(OsString::from);
        let asked = parse(arguments.into_iter()).expect("arguments").expect("no help");
        let mut output = Vec::new();
        serve(asked, &mut io::empty(), &mut output).expect("serve");
        let line: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
        assert!(line["urls"]["dev"].as_str().expect("dev").starts_with("https://localhost:"));
        assert!(parse(["--nonsense"].map(OsString::from).into_iter()).is_err());
    }
}
