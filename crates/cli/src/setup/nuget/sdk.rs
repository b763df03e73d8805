//! The .NET SDKs a `dotnet` knows.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A `dotnet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dotnet {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its SDKs, oldest first.
    pub(crate) sdks: Vec<Sdk>,
}

/// One SDK.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sdk {
    numbers: Version,
    /// Its version as it is written.
    pub(crate) version: String,
    /// Its own folder.
    pub(crate) folder: PathBuf,
}

impl Dotnet {
    /// Asks a `dotnet` for its SDKs; nothing where it cannot be asked.
    pub(crate) fn ask(program: &Path) -> Option<Self> {
        let output =
            command(program, ["--list-sdks"]).output().ok().filter(|output| output.status.success())?;
        Some(Self { program: program.to_owned(), sdks: parse(&String::from_utf8_lossy(&output.stdout)) })
    }
}

/// The numbers of an SDK's version, without what follows a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version([u32; 3]);

impl Version {
    /// Reads `10.0.401`, or `11.0.100-preview.1.26000.1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-']).map(|number| number.parse().ok());
        Some(Self([numbers.next()??, numbers.next()??, numbers.next()??]))
    }

    /// Whether `dotnet nuget push` takes the key from `NUGET_API_KEY` (NuGet 7.6).
    pub(crate) fn reads_key_from_environment(self) -> bool {
        self.0 >= [10, 0, 300]
    }
}

impl Sdk {
    /// Whether it starts native plugins on the PATH (NuGet 6.13).
    pub(crate) fn looks_on_path(&self) -> bool {
        self.numbers.0 >= [9, 0, 200]
    }
}

impl fmt::Display for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&valetkey_protocol::shown(&self.version))
    }
}

/// A run of `dotnet` that needs no locale data of the system, in a folder without a `global.json` of the person's.
pub(crate) fn command<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir("/")
        .stdin(Stdio::null())
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .env("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
        .env("DOTNET_NOLOGO", "1");
    command
}

/// Lines such as `9.0.203 [/usr/share/dotnet/sdk]`.
fn parse(text: &str) -> Vec<Sdk> {
    let mut sdks: Vec<_> = text.lines().filter_map(parse_line).collect();
    sdks.sort();
    sdks
}

fn parse_line(line: &str) -> Option<Sdk> {
    let (version, folder) = line.trim().split_once(" [")?;
    let numbers = Version::parse(version)?;
    let folder = Path::new(folder.strip_suffix(']')?).join(version);
    Some(Sdk { numbers, version: version.to_owned(), folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sdks() {
        let sdks = parse(
            "10.0.401 [/opt/my dotnet/sdk]\n3.1.102 [/usr/share/dotnet/sdk]\r\n9.0.200-preview.1 [/x]\nnoise\n\n",
        );
        let versions: Vec<_> = sdks.iter().map(|sdk| sdk.version.as_str()).collect();
        assert_eq!(versions, ["3.1.102", "9.0.200-preview.1", "10.0.401"]);
        assert_eq!(sdks[2].folder, Path::new("/opt/my dotnet/sdk/10.0.401"));
    }

    #[test]
    fn what_a_version_can_do() {
        let sdk = |version: &str| parse_line(&format!("{version} [/sdk]")).unwrap();
        for (version, on_path, environment) in [
            ("3.1.102", false, false),
            ("8.0.414", false, false),
            ("9.0.110", false, false),
            ("9.0.200", true, false),
            ("10.0.100", true, false),
            ("10.0.299", true, false),
            ("10.0.300", true, true),
            ("11.0.100-preview.1.26000.1", true, true),
        ] {
            assert_eq!(sdk(version).looks_on_path(), on_path, "{version}");
            assert_eq!(sdk(version).numbers.reads_key_from_environment(), environment, "{version}");
        }
    }
}
