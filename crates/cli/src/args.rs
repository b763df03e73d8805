//! The command line.

mod nuget;

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand, builder::NonEmptyStringValueParser, error::ErrorKind};

pub(crate) use nuget::{Add as AddNugetKey, Nuget, NugetKeys, Push, Refresh as RefreshNugetKey};

use crate::{exit, exit::Exit, failure::Failure, organisation, pat::Pat, setup, world::World};

/// Signs you in once, and git and NuGet get short-lived keys for Azure DevOps by themselves.
#[derive(Debug, Parser)]
#[command(name = "valetkey", version, after_help = exit::TABLE, max_term_width = 100, subcommand_required = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Sign in, so that keys can be made for an organisation
    #[command(after_help = "Examples:\n  valetkey login contoso\n  valetkey login contoso --device-code\n  \
                            valetkey login contoso --from az")]
    Login(Login),
    /// Revoke every key, then forget the session
    Logout(Logout),
    /// List accounts, choose between them, sign one out
    #[command(subcommand)]
    Account(Account),
    /// Show accounts, keys and what needs attention
    #[command(after_help = "Does not start an agent.\n\nExit codes:\n  0  keys are handed out\n  \
                            1  something needs attention\n  3  no agent is running")]
    Status {
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make git and NuGet use valetkey, or show how to register the application in Microsoft Entra
    #[command(subcommand)]
    Setup(Setup),
    /// Start, stop or restart the agent; it also starts by itself when it is needed
    #[command(subcommand)]
    Agent(AgentVerb),
    /// Stop handing out keys until `valetkey unlock`
    Lock {
        /// Revoke every key as well
        #[arg(long)]
        revoke: bool,
    },
    /// Hand out keys again
    #[command(after_help = "Asks for the passphrase where secrets rest in a file sealed with one.")]
    Unlock,
    /// Find what keeps keys from reaching git or NuGet
    #[command(after_help = "Changes nothing and starts no agent.\n\nExit codes:\n  0  nothing is wrong\n  \
                            1  there are findings, one a line")]
    Doctor {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Run a command with keys for the package sources of the NuGet.Config in force
    #[command(
        after_help = "The keys are in the command's environment and nowhere else. A restore is faster so than \
                            with any plugin.\n\nExits with the command's own code.\n\nExamples:\n  \
                            valetkey exec -- dotnet restore\n  valetkey exec --write -- make publish"
    )]
    Exec(Exec),
    /// Push to nuget.org, and the keys for that
    #[command(subcommand)]
    Nuget(Nuget),
    /// Show who got which key, newest last
    Audit {
        /// How many lines
        #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20,
              value_parser = clap::value_parser!(u32).range(1..))]
        lines: u32,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// List or revoke keys
    #[command(subcommand)]
    Keys(Keys),
    /// Make, replace, revoke and look over your personal access tokens
    #[command(subcommand)]
    Pat(Pat),
    /// The agent's configuration
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// Organisation, or the address of anything in it
    #[arg(value_name = "ORG", value_parser = organisation::parse)]
    pub(crate) organisation: Option<String>,
    /// Show a code to type on any device instead of opening a browser
    #[arg(long)]
    pub(crate) device_code: bool,
    /// Tenant id or domain, where it is not to be discovered
    #[arg(long, value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) tenant: Option<String>,
    /// Client id of the application registered in Microsoft Entra
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) client_id: Option<String>,
    /// Sign in again even where the session is still good
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Sign in as this account, by its user name
    #[arg(long, value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: Option<String>,
    /// Take access tokens from the Azure CLI, where no application may be registered
    #[arg(long, value_enum, value_name = "PROGRAM", conflicts_with_all = ["device_code", "client_id", "fresh", "account"])]
    pub(crate) from: Option<Lender>,
    /// Sign in as an application or a managed identity, by what proves it here; it gets Entra tokens and makes no keys
    #[arg(long, value_enum, value_name = "PROOF", conflicts_with_all = ["device_code", "from", "fresh", "account"])]
    pub(crate) machine: Option<Proof>,
    /// The file the secret, the certificate with its key, or the federated token is in
    #[arg(long, value_name = "FILE", requires = "machine")]
    pub(crate) proof_file: Option<PathBuf>,
    /// Id of the service connection, for `--machine pipelines`
    #[arg(long, value_name = "ID", requires = "machine", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) service_connection: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Proof {
    Secret,
    Certificate,
    Federated,
    Github,
    Pipelines,
    Managed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lender {
    Az,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// Keys that may push too, whatever the command; without it only `nuget push` and `nuget delete` get them
    #[arg(long)]
    pub(crate) write: bool,
    /// Only the sources of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) configfile: Option<PathBuf>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Logout {
    /// Only this account, by its user name
    #[arg(long, value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// List the accounts that are signed in, and what each is used for
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Take the keys of an organisation from this account from now on
    #[command(after_help = "Examples:\n  valetkey account use contoso bob@contoso.com")]
    Use {
        /// Organisation, or the address of anything in it
        #[arg(value_name = "ORG", value_parser = organisation::parse)]
        organisation: String,
        /// The account, by its user name
        #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
        account: String,
    },
    /// Revoke the keys of one account, then forget its session
    Remove {
        /// The account, by its user name
        #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
        account: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Setup {
    /// Make git ask valetkey for Azure Repos
    #[command(after_help = "Changes nothing the second time, and keeps every entry of yours.\n\n\
                            Examples:\n  valetkey setup git\n  valetkey setup git --undo")]
    Git(SetupGit),
    /// Make dotnet and nuget.exe ask valetkey for Azure Artifacts
    #[command(after_help = "Puts in what the clients that are found need, and nothing the second time.\n\n\
                            Examples:\n  valetkey setup nuget\n  valetkey setup nuget --undo")]
    Nuget(SetupNuget),
    /// Show how to register the application in Microsoft Entra
    Entra {
        /// Print a text to send to an administrator instead
        #[arg(long)]
        for_admin: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetupGit {
    /// Take out exactly what was put in
    #[arg(long)]
    pub(crate) undo: bool,
    /// Which of git's configuration files
    #[arg(long, value_enum, default_value_t = Scope::Global)]
    pub(crate) scope: Scope,
    /// Another address that counts as Azure Repos, as in `[azure-devops] dev` of the configuration
    #[arg(long = "host", value_name = "URL", value_parser = setup::parse_host)]
    pub(crate) hosts: Vec<setup::Host>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetupNuget {
    /// Take out exactly what was put in
    #[arg(long)]
    pub(crate) undo: bool,
    /// A `dotnet` to set up instead of the one on the PATH
    #[arg(long = "dotnet", value_name = "PROGRAM")]
    pub(crate) dotnets: Vec<PathBuf>,
    /// Set up nuget.exe and MSBuild too, even where no `nuget` is on the PATH
    #[arg(long)]
    pub(crate) nuget_exe: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scope {
    Global,
    System,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum AgentVerb {
    /// Start the agent, if none is running
    Start,
    /// Let the agent answer what is in flight and end
    Stop,
    /// Stop the agent and start it again
    Restart,
    /// Run the agent in the foreground
    Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List the keys that are alive, without their values
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Revoke keys
    #[command(after_help = "Examples:\n  valetkey keys revoke k7\n  valetkey keys revoke --org contoso")]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Revoke {
    /// The key with this id, as `valetkey keys list` shows it
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: Option<String>,
    /// Every key of one organisation
    #[arg(long, value_name = "ORG", value_parser = organisation::parse)]
    pub(crate) org: Option<String>,
    /// Every key
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Config {
    /// Let the agent read its configuration again; a bad one is refused and the old one kept
    Reload,
}

/// Shows help, the version or what is wrong with the command line.
pub(crate) fn explain(error: &clap::Error, world: &mut World<'_>) -> Exit {
    let text = error.render();
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let (to, exit) = if asked_for { (&mut *world.out, Exit::Done) } else { (&mut *world.err, Exit::Usage) };
    match write!(to, "{}", text.ansi()).and_then(|()| to.flush()) {
        Ok(()) => exit,
        Err(error) => Failure::Output(error).report(world.err),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }
}
