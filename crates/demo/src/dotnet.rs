//! The .NET SDK inside a sandbox.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{Ran, Sandbox, find_on_path};

/// A .NET SDK.
#[derive(Debug, Clone)]
pub struct Dotnet {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

impl Dotnet {
    /// The SDK that `VALETKEY_DOTNET` names, else the one on PATH; nothing where only a runtime is there.
    pub fn find() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a variable of demo and tests, not of the product")]
        let named = std::env::var_os("VALETKEY_DOTNET").filter(|name| !name.is_empty()).map(PathBuf::from);
        Self::at(&named.or_else(|| find_on_path("dotnet"))?)
    }

    /// The SDK of this `dotnet`; nothing where it has none.
    pub fn at(program: &Path) -> Option<Self> {
        let program = program.canonicalize().ok()?;
        program.parent()?.join("sdk").is_dir().then_some(Self { program, libraries: None })
    }

    /// The same SDK with a folder of libraries that the system lacks: .NET 3.1 wants OpenSSL 1.1.
    #[must_use]
    pub fn with_libraries(self, folder: &Path) -> Self {
        Self { libraries: Some(folder.to_owned()), ..self }
    }

    /// The `dotnet` itself.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A command of the SDK in a folder: private home, no telemetry, no node that outlives it, the sandbox's authority.
    pub fn command(&self, sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Command {
        let home = sandbox.home();
        let mut command = sandbox.command(&self.program);
        command.current_dir(folder).args(args);
        command.env("DOTNET_CLI_HOME", home).env("DOTNET_ROOT", self.root());
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
        // Nor a compiler that waits for the next build.
        command.env("UseSharedCompilation", "false");
        command.envs(self.libraries.iter().map(|folder| ("LD_LIBRARY_PATH", folder)));
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

    /// Like [`write_project`], for the framework of the newest SDK here.
    pub fn write_project(&self, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
        write_project_for(&self.framework()?, folder, name, packages)
    }

    fn root(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }

    fn framework(&self) -> Result<String> {
        let versions = fs::read_dir(self.root().join("sdk"))?.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (major, rest) = name.split_once('.')?;
            Some((major.parse::<u32>().ok()?, rest.split('.').next()?.parse::<u32>().ok()?))
        });
        let (major, minor) = versions.max().context("no SDK beside `dotnet`")?;
        Ok(format!("{}{major}.{minor}", if major < 5 { "netcoreapp" } else { "net" }))
    }
}

/// Writes a project that needs these packages, for .NET 10.
pub fn write_project(folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
    write_project_for("net10.0", folder, name, packages)
}

fn write_project_for(framework: &str, folder: &Path, name: &str, packages: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut wanted = String::new();
    for (id, version) in packages {
        writeln!(wanted, "    <PackageReference Include=\"{id}\" Version=\"{version}\" />")?;
    }
    let text = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <TargetFramework>{framework}</TargetFramework>\n  \
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
