//! Where a token's value goes: to one place, and to the scrollback only where that was asked for.

use std::{ffi::OsString, io, process::Command};

use valetkey_protocol::{ExposeSecret as _, PatValue, shown};

use super::args;
use crate::{exit::Exit, failure::Failure, world::World};

/// Where a value goes.
#[derive(Debug, Clone)]
pub(super) enum Sink {
    /// Into the standard input of a command.
    Command(Vec<OsString>),
    /// Onto the terminal, until a key is pressed.
    Terminal,
    /// Onto standard output.
    Output,
}

impl Sink {
    /// The place that was chosen, and nothing where the agent keeps the value.
    pub(super) fn chosen(args: &args::Sink, world: &World<'_>) -> Result<Option<Self>, Failure> {
        if args.keep.is_some() {
            return Ok(None);
        }
        Self::of(&args.command, args.print, world).map(Some)
    }

    pub(super) fn of_use(args: &args::UseSink, world: &World<'_>) -> Result<Self, Failure> {
        Self::of(&args.command, args.print, world)
    }

    /// Looked at before anything is made: a token that has nowhere to go is not asked for.
    fn of(command: &[OsString], print: bool, world: &World<'_>) -> Result<Self, Failure> {
        if !command.is_empty() {
            return Ok(Self::Command(command.to_vec()));
        }
        if print && world.place.output_is_lost {
            return Err(Failure::failed(
                "standard output is closed or thrown away, and the token would be lost",
                "`--to-command -- COMMAND` gives it to a command, `--keep NAME` puts it into the vault",
            ));
        }
        if print {
            return Ok(Self::Output);
        }
        if world.person.has_terminal() {
            return Ok(Self::Terminal);
        }
        Err(Failure::Failed {
            sentence: "there is no terminal to show the token on".to_owned(),
            hints: vec![
                "`--to-command -- COMMAND` gives it to a command, `--keep NAME` puts it into the vault"
                    .to_owned(),
                "`--print` prints it on standard output".to_owned(),
            ],
        })
    }

    /// Puts a value there. `arrived` is called as soon as it is there, which may be before this returns.
    pub(super) fn put(
        &self,
        value: &PatValue,
        world: &mut World<'_>,
        arrived: &mut dyn FnMut(&mut World<'_>),
    ) -> Result<(), Failure> {
        match self {
            Self::Command(words) => feed(words, value, world)?,
            Self::Terminal => {
                let heading = format!("{} ({})", shown(&value.pat.name), shown(&value.pat.organisation));
                let screen =
                    world.person.show_secret(&heading, &value.secret).map_err(|error| unshown(&error))?;
                arrived(world);
                // It was seen: what the terminal says from here on changes nothing.
                let _ = screen.until_a_key();
                return Ok(());
            }
            Self::Output => {
                writeln!(world.out, "{}", value.secret.expose_secret())
                    .and_then(|()| world.out.flush())
                    .map_err(|error| {
                        Failure::failed(
                            format!("the token cannot be printed: {error}"),
                            "choose another place",
                        )
                    })?;
            }
        }
        arrived(world);
        Ok(())
    }
}

fn feed(words: &[OsString], value: &PatValue, world: &mut World<'_>) -> Result<(), Failure> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let program = shown(&words[0].to_string_lossy());
    match world.programs.feed(&mut command, &value.secret) {
        Ok(Exit::Other(0)) => Ok(()),
        Ok(exit) => Err(Failure::failed(
            format!("`{program}` ended with {} and did not take the token", exit.code()),
            "see what it says, then run this again",
        )),
        Err(error) => Err(Failure::failed(
            format!("`{program}` did not take the token: {error}"),
            "check the command behind `--`, then run this again",
        )),
    }
}

fn unshown(error: &io::Error) -> Failure {
    Failure::failed(
        format!("the token cannot be shown on the terminal: {error}"),
        "`--to-command -- COMMAND` gives it to a command instead",
    )
}
