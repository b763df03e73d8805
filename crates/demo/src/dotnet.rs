//! The .NET SDK inside a sandbox.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{Ran, Sandbox, find_on_path};

/// A .NET SDK.
#[derive(Debug, Clone)]
pub struct Dotnet {
    program: PathBuf,
}

impl Dotnet {
    /// The SDK that `VALETKEY_DOTNET` names, else the one on PATH; nothing where only a runtime is there.
    pub fn find() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a variable of demo and tests, not of the product")]
        let named = std::env::var_os("VALETKEY_DOTNET").filter(|name| !name.is_empty()).map(PathBuf::from);
        let program = named.or_else(|| find_on_path("dotnet"))?.canonicalize().ok()?;
        program.parent()?.join("sdk").is_dir().then_some(Self { program })
    }

    /// A command of the SDK in a folder: private home, no telemetry, no node that outlives it, the sandbox's authority.
    pub fn command(&self, sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Command {
        let home = sandbox.home();
        let mut command = sandbox.command(&self.program);
        command.current_dir(folder).args(args);
        command.env("DOTNET_CLI_HOME", home).env("DOTNET_ROOT", self.program.parent().unwrap_or(home));
        command.env("SSL_CERT_FILE", home.join("authority.pem"));
        for switch in [
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT",
            "DOTNET_CLI_TELEMETRY_OPTOUT",
            "DOTNET_NOLOGO",
            "DOTNET_SKIP_FIRST_TIME_EXPERIENCE",
            "MSBUILDDISABLENODEREUSE",
        ] {
            command.env(switch, "1");
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Result<Ran> {
        sandbox.run(self.command(sandbox, folder, args))
    }

    /// The SDK's version.
    pub fn version(&self, sandbox: &Sandbox) -> Result<String> {
        Ok(self.run(sandbox, sandbox.home(), &["--version"])?.stdout().trim().to_owned())
    }
}

/// Writes a project that needs these packages.
pub fn write_project(folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut wanted = String::new();
    for (id, version) in packages {
        writeln!(wanted, "    <PackageReference Include=\"{id}\" Version=\"{version}\" />")?;
    }
    let text = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <TargetFramework>net10.0</TargetFramework>\n  \
         </PropertyGroup>\n  <ItemGroup>\n{wanted}  </ItemGroup>\n</Project>\n"
    );
    fs::write(folder.join(format!("{name}.csproj")), text)?;
    Ok(())
}

/// Writes a `nuget.config` with these sources and no others.
pub fn write_sources(folder: &Path, sources: &[(&str, &str)]) -> Result<()> {
    let mut lines = String::new();
    for (name, url) in sources {
        writeln!(lines, "    <add key=\"{name}\" value=\"{url}\" />")?;
    }
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <packageSources>\n    <clear />\n{lines}  \
         </packageSources>\n</configuration>\n"
    );
    fs::write(folder.join("nuget.config"), text)?;
    Ok(())
}
