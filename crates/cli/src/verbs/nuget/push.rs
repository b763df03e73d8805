//! `valetkey nuget push`: every package with the narrowest key that may push it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use valetkey_nuget_org::Package;
use valetkey_protocol::{
    Answer, ExposeSecret as _, NugetKey, NugetOperation, NugetOrgRequest, SecretString, shown,
};

use super::{ear::Ear, hint, question, warning};
use crate::{
    args::Push,
    exit::Exit,
    failure::{Failure, Outcome},
    programs,
    setup::nuget::Version,
    world::World,
};

pub(super) fn run(args: &Push, world: &mut World<'_>) -> Outcome {
    // Before anything is pushed: half a release is worse than none.
    let packages = packages(args, world)?;
    let client = Client::find(args, world)?;
    if !client.reads_environment {
        client.warn(world)?;
    }
    // One key for all packages: a pipeline's token works once.
    let issued = match &args.trusted_publisher {
        Some(profile) => Some(world.publishing.key(&args.gallery(), profile)?),
        None => None,
    };
    for (file, package) in &packages {
        let key = match &issued {
            Some(secret) => Key::Issued(secret),
            None => Key::Kept(Box::new(choose(package, args.new.then_some(true), world)?)),
        };
        let exit = push(args, &client, (file, package), key, world)?;
        if exit.code() != 0 {
            return Ok(exit);
        }
    }
    Ok(Exit::Done)
}

/// Pushes a package. Where nuget.org refuses a key that may push new versions only, and another one may push new
/// packages, that one is tried: nobody else can tell whether the package is new.
fn push(
    args: &Push,
    client: &Client,
    (file, package): (&Path, &Package),
    mut key: Key<'_>,
    world: &mut World<'_>,
) -> Outcome {
    let mut command = client.push(args, file, key.secret());
    let mut ear = Ear::default();
    let ran = match key.wider() {
        Some(_) => world.programs.overhear(&mut command, &mut |line| ear.hear(line)),
        None => world.programs.wait(&mut command),
    };
    let mut exit = ran.map_err(|error| client.does_not_run(&error))?;
    if exit.code() != 0 && ear.heard_a_refused_key() {
        let wider = Key::Kept(Box::new(choose(package, Some(true), world)?));
        let (old, new) = (key.shown(), wider.shown());
        let text = format!("{old} may push new versions only and was refused; {new} may push new packages");
        warning(world, &text)?;
        let mut command = client.push(args, file, wider.secret());
        exit = world.programs.wait(&mut command).map_err(|error| client.does_not_run(&error))?;
        key = wider;
    }
    if exit.code() == 0 {
        writeln!(world.out, "{} pushed with {}", name(package), key.shown())?;
        key.ending(world)?;
    } else {
        failed(&name(package), file, &key, world)?;
    }
    Ok(exit)
}

/// What a package is pushed with.
enum Key<'a> {
    /// A key that the agent keeps.
    Kept(Box<NugetKey>),
    /// A key made for this job.
    Issued(&'a SecretString),
}

impl Key<'_> {
    fn secret(&self) -> &SecretString {
        match self {
            Self::Kept(key) => &key.secret,
            Self::Issued(secret) => secret,
        }
    }

    /// The name of the key that may push new packages, where this one may not.
    fn wider(&self) -> Option<&str> {
        match self {
            Self::Kept(key) => key.for_new_package.as_deref(),
            Self::Issued(_) => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Kept(key) => format!("the key `{}`", shown(&key.name)),
            Self::Issued(_) => "a key for this job alone".to_owned(),
        }
    }

    /// Warns where the end is near.
    fn ending(&self, world: &mut World<'_>) -> io::Result<()> {
        if let Self::Kept(key) = self
            && let Some(text) = &key.warning
        {
            let name = shown(&key.name);
            warning(world, &format!("key `{name}`: {}", shown(text)))?;
            hint(world, &format!("run `valetkey nuget keys refresh {name}`"))?;
        }
        Ok(())
    }
}

fn name(package: &Package) -> String {
    format!("{} {}", package.id.as_str(), package.version.as_str())
}

fn packages(args: &Push, world: &World<'_>) -> Result<Vec<(PathBuf, Package)>, Failure> {
    let read = |path: &PathBuf| {
        // Absolute: a name with a leading `-` is no option then.
        let file = world.place.folder.join(path);
        match Package::open(&file) {
            Ok(package) => Ok((file, package)),
            Err(error) => Err(Failure::failed(
                format!("`{}` cannot be pushed: {error}", shown(&path.display().to_string())),
                error.hint(),
            )),
        }
    };
    args.packages.iter().map(read).collect()
}

fn choose(package: &Package, is_new: Option<bool>, world: &mut World<'_>) -> Result<NugetKey, Failure> {
    let request = NugetOrgRequest::Choose {
        package: package.id.as_str().to_owned(),
        operation: NugetOperation::Push,
        is_new,
    };
    match question(request, world)? {
        Answer::NugetKey(key) => Ok(key),
        other => Err(Failure::unexpected(other)),
    }
}

/// The client has said why; what it cannot know is which key it was and what else there is.
fn failed(name: &str, file: &Path, key: &Key<'_>, world: &mut World<'_>) -> io::Result<()> {
    warning(world, &format!("{name} was not pushed; it was tried with {}", key.shown()))?;
    let Key::Kept(key) = key else { return Ok(()) };
    if let Some(other) = &key.for_new_package {
        let (other, file) = (shown(other), shown(&file.display().to_string()));
        let text = format!(
            "if nuget.org has no such package yet, `valetkey nuget push --new {file}` uses the key `{other}`"
        );
        hint(world, &text)?;
    }
    let verify = format!("valetkey nuget keys verify {} <id> <version>", shown(&key.name));
    hint(world, &format!("`{verify}` tells whether nuget.org takes it"))
}

/// The program that pushes.
struct Client {
    program: PathBuf,
    is_dotnet: bool,
    reads_environment: bool,
}

impl Client {
    fn find(args: &Push, world: &World<'_>) -> Result<Self, Failure> {
        let path = world.place.path().map(OsString::as_os_str);
        let named = args.nuget_exe.clone().map(|program| (program, false));
        let dotnet = || Some((args.dotnet.clone().or_else(|| programs::find("dotnet", path))?, true));
        let nuget = || {
            Some((
                programs::find("nuget", path).or_else(|| programs::find_for_mono("nuget.exe", path))?,
                false,
            ))
        };
        let (program, is_dotnet) = named.or_else(dotnet).or_else(nuget).ok_or_else(|| {
            Failure::failed(
                "neither `dotnet` nor `nuget` is on the PATH",
                "install the .NET SDK, or name a `dotnet` with `--dotnet` or a nuget.exe with `--nuget-exe`",
            )
        })?;
        let mut client = Self { program, is_dotnet, reads_environment: false };
        // In the current folder, whose `global.json` may choose another SDK.
        let mut ask = client.command();
        ask.arg(if is_dotnet { "--version" } else { "help" }).current_dir(&world.place.folder);
        let output = ask.stdin(Stdio::null()).output();
        let said = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
        let said = String::from_utf8_lossy(said.as_deref().unwrap_or_default()).into_owned();
        client.reads_environment = client.reads(&said).ok_or_else(|| client.silent())?;
        Ok(client)
    }

    /// nuget.exe where no system runs it by itself.
    fn command(&self) -> Command {
        if cfg!(unix) && self.program.extension().is_some_and(|it| it.eq_ignore_ascii_case("exe")) {
            let mut command = Command::new("mono");
            command.arg(&self.program);
            return command;
        }
        Command::new(&self.program)
    }

    /// Whether it reads `NUGET_API_KEY` (NuGet 7.6), by what it says of itself.
    fn reads(&self, said: &str) -> Option<bool> {
        if self.is_dotnet {
            return Version::parse(said.trim()).map(Version::reads_key_from_environment);
        }
        let line = said.lines().find_map(|line| line.trim().strip_prefix("NuGet Version: "))?;
        let mut numbers = line.split('.').map_while(|number| number.parse::<u32>().ok());
        Some((numbers.next()?, numbers.next()?) >= (7, 6))
    }

    fn does_not_run(&self, error: &io::Error) -> Failure {
        let option = if self.is_dotnet { "`--dotnet`" } else { "`--nuget-exe`" };
        Failure::failed(
            format!("`{}` cannot be run: {error}", self.program.display()),
            format!("name another with {option}"),
        )
    }

    fn silent(&self) -> Failure {
        let program = self.program.display();
        if self.is_dotnet {
            return Failure::failed(
                format!("`{program} --version` fails"),
                "name a `dotnet` that runs with `--dotnet`",
            );
        }
        let sentence = format!("nuget.exe `{program}` cannot be asked for its version");
        Failure::failed(sentence, "name one that runs with `--nuget-exe`; outside Windows it takes mono")
    }

    /// Why a key is on the command line.
    fn warn(&self, world: &mut World<'_>) -> io::Result<()> {
        let (name, newer) = if self.is_dotnet {
            ("`dotnet`", "SDK 10.0.300 and later take")
        } else {
            ("nuget.exe", "nuget.exe 7.6 and later takes")
        };
        let text = format!(
            "this {name} takes a key on its command line only, where other programs can read it while it runs"
        );
        warning(world, &text)?;
        hint(world, &format!("{newer} it from the environment"))
    }

    fn push(&self, args: &Push, file: &Path, key: &SecretString) -> Command {
        let mut command = self.command();
        if self.is_dotnet {
            command.args(["nuget", "push"]).arg(file).args(["--source", &args.source]);
        } else {
            command.arg("push").arg(file).args(["-Source", &args.source, "-NonInteractive"]);
        }
        if args.skip_duplicate {
            command.arg(if self.is_dotnet { "--skip-duplicate" } else { "-SkipDuplicate" });
        }
        let secret = key.expose_secret();
        if self.reads_environment {
            command.env("NUGET_API_KEY", secret);
        } else {
            command.args([if self.is_dotnet { "--api-key" } else { "-ApiKey" }, secret]);
        }
        command
    }
}
