//! `valetkey exec`.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
    process::Command,
};

use valetkey_nuget_helper::{Source as Address, Whose};
use valetkey_paths::env;
use valetkey_protocol::{
    Answer, Credential, ExposeSecret as _, GetRequest, Operation, Reason, Request, is_clean, shown,
};

use super::{hint, warning};
use crate::{
    agent::{Start, ask},
    args::Exec,
    exit::Exit,
    failure::{Failure, Outcome, usual_step},
    nuget::{Files, Source, in_force, stem, writes},
    world::World,
};

// What a shell says of a command that is not there, and of one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

pub(super) fn run(args: &Exec, world: &mut World<'_>) -> Outcome {
    let words: Vec<_> = args.command.iter().map(|word| word.to_string_lossy()).collect();
    let write = args.write || writes(words.iter().map(AsRef::as_ref));
    let operation = if write { Operation::Write } else { Operation::Read };
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    for source in sources(args, world)? {
        if let Some(credential) = credential(&source, operation, world)? {
            if let Some(name) = variable(&source.name) {
                command.env(name, value(&credential));
            } else {
                let name = shown(&source.name);
                warning(
                    world,
                    &format!("no variable can be called after the source `{name}`: it gets no key"),
                )?;
                hint(world, "give it a name without `=`, or let the plugin answer: `valetkey setup nuget`")?;
            }
        }
    }
    let error = match world.programs.instead(&mut command) {
        Ok(exit) => return Ok(exit),
        Err(error) => error,
    };
    let program = args.command[0].display();
    let absent = error.kind() == io::ErrorKind::NotFound;
    Failure::failed(format!("`{program}` cannot be run: {error}"), "").report(world.err);
    Ok(Exit::Other(if absent { NOT_FOUND } else { NOT_RUN }))
}

/// The sources of the configuration in force.
fn sources(args: &Exec, world: &World<'_>) -> Result<Vec<Source>, Failure> {
    let place = &world.place;
    let files = match &args.configfile {
        Some(file) => Files::only(&place.folder.join(file)).map_err(|error| {
            Failure::failed(format!("`{}` cannot be read: {error}", file.display()), "name another file")
        })?,
        None => Files::find(&place.folder, &persons_folder(&args.command[0], world), &place.nuget_machine),
    };
    in_force(&files.texts).map_err(|(at, error)| {
        let file = files.paths[at].display();
        Failure::failed(format!("`{file}` is not to be understood: {}", shown(&error.0)), "correct that file")
    })
}

/// dotnet keeps the person's configuration elsewhere than nuget.exe on mono does.
fn persons_folder(program: &OsStr, world: &World<'_>) -> PathBuf {
    let place = &world.place;
    if cfg!(windows) {
        return place.home.join("AppData/Roaming");
    }
    if matches!(stem(&program.to_string_lossy()).as_str(), "nuget" | "mono" | "msbuild") {
        let config = place.environment.get(env::XDG_CONFIG_HOME);
        return config.map_or_else(|| place.home.join(".config"), PathBuf::from);
    }
    let home = place.environment.get(env::DOTNET_CLI_HOME).map_or(&*place.home, |home| home.as_ref());
    home.join(".nuget")
}

/// A key for a source, where it is one that keys are made for. A source that gets none is told of and does not stop the
/// command: it may not be needed, or be open to all.
fn credential(
    source: &Source,
    operation: Operation,
    world: &mut World<'_>,
) -> Result<Option<Credential>, Failure> {
    let served = |address: &Address| address.target.protocol == "https" && address.whose != Whose::NotOurs;
    let Some(address) = Address::parse(&source.address).filter(served) else {
        return Ok(None);
    };
    let request = Request::Get(GetRequest {
        target: address.target,
        operation: Some(operation),
        refused: None,
        can_retry: false,
        challenges: Vec::new(),
        caller: None,
    });
    match ask(world.agent, &request, Start::OnDemand) {
        Ok(Answer::Credential(credential)) => Ok(Some(credential)),
        Ok(Answer::Refused(refusal)) if matches!(refusal.reason, Reason::NotOurs | Reason::BadRequest) => {
            Ok(None)
        }
        Ok(Answer::Refused(refusal)) => {
            let name = shown(&source.name);
            warning(world, &format!("no key for the source `{name}`: {}", shown(&refusal.sentence)))?;
            let step = if refusal.hint.is_empty() { usual_step(refusal.reason) } else { &refusal.hint };
            if !step.is_empty() {
                hint(world, &shown(step))?;
            }
            Ok(None)
        }
        Ok(other) => Err(Failure::unexpected(other)),
        Err(_) if address.whose == Whose::Perhaps => Ok(None),
        Err(unreachable) => Err(unreachable.into()),
    }
}

/// NuGet: `NuGetPackageSourceCredentials_<name>`, the name as it stands in the configuration.
fn variable(source: &str) -> Option<OsString> {
    let fits = !source.contains('=') && is_clean(source);
    fits.then(|| OsString::from(format!("NuGetPackageSourceCredentials_{source}")))
}

fn value(credential: &Credential) -> String {
    let password = credential.password.expose_secret();
    format!("Username=valetkey;Password={password};ValidAuthenticationTypes=Basic")
}
