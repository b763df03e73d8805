//! `valetkey nuget push`: every package with the narrowest key that may push it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use valetkey_nuget_org::Package;
use valetkey_protocol::{
    Answer, ExposeSecret as _, NugetKey, NugetOperation, NugetOrgRequest, SecretString, shown,
};

use super::{hint, question, warning};
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
        let text = "this `dotnet` takes a key on its command line only, where other programs can read it while it runs";
        warning(world, text)?;
        hint(world, "SDK 10.0.300 and later take it from the environment")?;
    }
    // One key for all packages: a pipeline's token works once.
    let issued = match &args.trusted_publisher {
        Some(profile) => Some(world.publishing.key(&args.gallery(), profile)?),
        None => None,
    };
    for (file, package) in &packages {
        let key = match &issued {
            Some(secret) => Key::Issued(secret),
            None => Key::Kept(Box::new(choose(package, args.new, world)?)),
        };
        let exit = world.programs.wait(&mut client.push(args, file, key.secret())).map_err(|error| {
            let program = client.program.display();
            Failure::failed(format!("`{program}` cannot be run: {error}"), "name a `dotnet` with `--dotnet`")
        })?;
        if exit.code() != 0 {
            failed(&name(package), file, &key, world)?;
            return Ok(exit);
        }
        writeln!(world.out, "{} pushed with {}", name(package), key.shown())?;
        key.ending(world)?;
    }
    Ok(Exit::Done)
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

fn choose(package: &Package, is_new: bool, world: &mut World<'_>) -> Result<NugetKey, Failure> {
    let request = NugetOrgRequest::Choose {
        package: package.id.as_str().to_owned(),
        operation: NugetOperation::Push,
        is_new: is_new.then_some(true),
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
    reads_environment: bool,
}

impl Client {
    fn find(args: &Push, world: &World<'_>) -> Result<Self, Failure> {
        let path = world.place.path().map(OsString::as_os_str);
        let program = args.dotnet.clone().or_else(|| programs::find("dotnet", path)).ok_or_else(|| {
            Failure::failed(
                "no `dotnet` is on the PATH",
                "install the .NET SDK, or name a `dotnet` with `--dotnet`",
            )
        })?;
        // In the current folder, whose `global.json` may choose another SDK.
        let output = Command::new(&program).arg("--version").current_dir(&world.place.folder).output();
        let version = output
            .ok()
            .filter(|output| output.status.success())
            .and_then(|output| Version::parse(String::from_utf8_lossy(&output.stdout).trim()));
        let Some(version) = version else {
            let sentence = format!("`{} --version` fails", program.display());
            return Err(Failure::failed(sentence, "name a `dotnet` that runs with `--dotnet`"));
        };
        Ok(Self { program, reads_environment: version.reads_key_from_environment() })
    }

    fn push(&self, args: &Push, file: &Path, key: &SecretString) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["nuget", "push"]).arg(file).args(["--source", &args.source]);
        if args.skip_duplicate {
            command.arg("--skip-duplicate");
        }
        let secret = key.expose_secret();
        if self.reads_environment {
            command.env("NUGET_API_KEY", secret);
        } else {
            command.args(["--api-key", secret]);
        }
        command
    }
}
