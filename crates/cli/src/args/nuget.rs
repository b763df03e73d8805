//! The command line of `valetkey nuget`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use valetkey_protocol::NugetRight;

#[derive(Debug, Subcommand)]
pub(crate) enum Nuget {
    /// Keep, check and refresh keys of nuget.org
    #[command(subcommand)]
    Keys(NugetKeys),
    /// Push packages with the narrowest key that may
    #[command(
        after_help = "Runs `dotnet nuget push`, or nuget.exe where one is named. Exits with its code where a push fails.\n\n\
                            Examples:\n  valetkey nuget push bin/Release/*.nupkg"
    )]
    Push(Push),
    /// Take a version out of searches; it can still be restored
    Unlist {
        /// Id of the package
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
        /// The version
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        version: String,
        /// Put it back instead
        #[arg(long)]
        relist: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NugetKeys {
    /// Keep a key that you made on nuget.org
    #[command(
        after_help = "The key itself is asked for, or read from standard input where that is no terminal.\n\n\
                            Examples:\n  valetkey nuget keys add ci --owner contoso --glob 'Contoso.*' --allow \
                            push-version --expires 365d"
    )]
    Add(Add),
    /// List the keys, without their values
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show one key, without its value
    Show {
        /// Its name
        name: String,
    },
    /// Forget a key; on nuget.org it lives on until you delete it there
    Remove {
        /// Its name
        name: String,
    },
    /// Ask nuget.org whether it takes a key
    Verify {
        /// Its name
        name: String,
        /// A package of yours that is on nuget.org
        id: String,
        /// A version of it that is there
        version: String,
    },
    /// Put a new value in an old one's place, as soon as nuget.org takes it
    #[command(
        after_help = "Says what to do on nuget.org, and asks for the value that the site shows then.\n\n\
                            Examples:\n  valetkey nuget keys refresh ci Contoso.Core 1.0.0"
    )]
    Refresh(Refresh),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What to call it: letters, digits, `.`, `_`, `-`
    pub(crate) name: String,
    /// The user or organisation of nuget.org it belongs to
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) owner: String,
    /// Packages it is for, as on the site; only `*` is a wildcard
    #[arg(long = "glob", value_name = "PATTERN", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) globs: Vec<String>,
    /// What it may do, as ticked on the site
    #[arg(long = "allow", value_enum, required = true)]
    pub(crate) rights: Vec<Right>,
    /// When it ends: a day as `2027-03-01`, or `365d` from now; a key that says so itself needs none
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// Name of the key
    pub(crate) name: String,
    /// A package of yours that is on nuget.org, to check the new value with
    #[arg(requires = "version")]
    pub(crate) id: Option<String>,
    /// A version of it that is there
    pub(crate) version: Option<String>,
    /// When the new value ends: a day as `2027-03-01`, or `365d` from now
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub(crate) packages: Vec<PathBuf>,
    /// nuget.org has no package of that id yet
    #[arg(long)]
    pub(crate) new: bool,
    /// Pass over versions that are there
    #[arg(long)]
    pub(crate) skip_duplicate: bool,
    /// The source of nuget.org, where it is not the usual one
    #[arg(long, value_name = "URL", default_value = "https://api.nuget.org/v3/index.json", value_parser = source)]
    pub(crate) source: String,
    /// In a job of GitHub Actions or GitLab: push by the trust policy of this profile of nuget.org, with no kept key
    #[arg(long, value_name = "PROFILE", conflicts_with = "new", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) trusted_publisher: Option<String>,
    /// The `dotnet` to use instead of the one on the PATH
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) dotnet: Option<PathBuf>,
    /// Push with this nuget.exe instead of `dotnet`; mono runs it where that takes one. Without a `dotnet`, the one on
    /// the PATH is used
    #[arg(long, value_name = "PROGRAM", conflicts_with = "dotnet")]
    pub(crate) nuget_exe: Option<PathBuf>,
}

/// What the site lets one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Right {
    /// Push new packages and package versions
    Push,
    /// Push only new package versions
    PushVersion,
    /// Unlist or relist package versions
    Unlist,
}

impl From<Right> for NugetRight {
    fn from(right: Right) -> Self {
        match right {
            Right::Push => Self::Push,
            Right::PushVersion => Self::PushVersion,
            Right::Unlist => Self::Unlist,
        }
    }
}

impl Push {
    /// The gallery behind the source: nuget.org's, or the one on this machine.
    pub(crate) fn gallery(&self) -> String {
        let host = valetkey_nuget_helper::Source::parse(&self.source).map(|source| source.target.host);
        match host {
            Some(host) if !host.ends_with(".nuget.org") && !host.ends_with(".nuget.org:443") => {
                format!("https://{host}")
            }
            _ => "https://www.nuget.org".to_owned(),
        }
    }
}

/// A key of nuget.org goes to nuget.org, or to a counterpart on this machine, and to nobody else.
fn source(text: &str) -> Result<String, String> {
    let host = valetkey_nuget_helper::Source::parse(text)
        .filter(|source| source.target.protocol == "https" && source.target.username.is_none())
        .map(|source| source.target.host);
    let name = host.as_deref().map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    match name {
        Some("api.nuget.org" | "www.nuget.org" | "localhost" | "127.0.0.1" | "[::1]") => Ok(text.to_owned()),
        _ => Err("a key of nuget.org is sent to nuget.org only".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn keys_go_to_nuget_org_only() {
        for text in [
            "https://api.nuget.org/v3/index.json",
            "https://www.nuget.org/api/v2/package",
            "https://localhost:8443/v3/index.json",
            "https://127.0.0.1:1/x",
        ] {
            assert!(source(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "nuget.org",
            "http://api.nuget.org/v3/index.json",
            "https://api.nuget.org.evil.example/v3/index.json",
            "https://api.nuget.org@evil.example/",
            "https://a:b@api.nuget.org/",
            "https://pkgs.dev.azure.com/contoso/_packaging/f/nuget/v3/index.json",
            "https://localhost.evil.example/",
        ] {
            assert!(source(text).is_err(), "{text}");
        }
    }
}
