//! The command line of `valetkey pat`.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use valetkey_protocol::{PatFilter, PatSort};

use crate::organisation;

#[derive(Debug, Subcommand)]
pub(crate) enum Pat {
    /// List your tokens, whoever made them, without their values
    List(List),
    /// Show one token, without its value
    Show {
        #[command(flatten)]
        which: Which,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make a token and hand its value on
    #[command(after_help = AFTER_CREATE)]
    Create(Create),
    /// Put a new token in an old one's place; the old one is revoked once the new value is where it is to be
    #[command(after_help = "Without `--scope` and `--expires` the new one may do the same, for as long.\n\n\
                            Whatever breaks it off, the next run finishes or undoes it.\n\n\
                            Examples:\n  valetkey pat regenerate ci --to-command -- gh secret set AZURE_PAT")]
    Regenerate(Regenerate),
    /// Rename a token, change its scopes or its end; its value stays
    Update(Update),
    /// Revoke tokens, one after the other, until one cannot be revoked
    Revoke {
        /// Names, ids, or beginnings of ids
        #[arg(value_name = "TOKEN", required = true, value_parser = NonEmptyStringValueParser::new())]
        tokens: Vec<String>,
        #[command(flatten)]
        place: Place,
        /// Print as JSON what became of each
        #[arg(long)]
        json: bool,
    },
    /// Find tokens that may do too much or live too long, and what to put in their place
    #[command(after_help = "Changes nothing.\n\nExit codes:\n  0  nothing is wrong\n  1  there are findings")]
    Audit {
        #[command(flatten)]
        place: Place,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// List the tokens whose values are in the vault
    Kept {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Hand on the value of a token that is kept
    #[command(
        after_help = "Examples:\n  valetkey pat use ci --to-command -- docker login --password-stdin …"
    )]
    Use {
        /// The name it is kept under
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        sink: UseSink,
    },
    /// List the scopes a token can have, and what each lets one do
    Scopes {
        /// Only those whose name or meaning has this in it
        word: Option<String>,
    },
}

const AFTER_CREATE: &str = "\
The value goes to one place only: into a command's standard input (`--to-command`), into the vault (`--keep`), onto \
the terminal until a key is pressed (the default there), or onto standard output (`--print`).

Examples:
  valetkey pat create ci --scope vso.build --expires 30d --to-command -- gh secret set AZURE_PAT
  valetkey pat create laptop --scope vso.work --expires 2026-12-31 --keep laptop";

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Organisation; needed where you are signed in for several
    #[arg(long, value_name = "ORG", value_parser = organisation::parse)]
    pub(crate) org: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Name, id, or the beginning of an id
    #[arg(value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Which ones
    #[arg(long, value_enum, default_value_t = Filter::Active)]
    pub(crate) filter: Filter,
    /// In which order
    #[arg(long, value_enum)]
    pub(crate) sort: Option<Sort>,
    /// The other way round
    #[arg(long)]
    pub(crate) descending: bool,
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Filter {
    Active,
    Revoked,
    Expired,
    All,
}

impl From<Filter> for PatFilter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Active => Self::Active,
            Filter::Revoked => Self::Revoked,
            Filter::Expired => Self::Expired,
            Filter::All => Self::All,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    Name,
    Date,
    Status,
}

impl From<Sort> for PatSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Name => Self::Name,
            Sort::Date => Self::Date,
            Sort::Status => Self::Status,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// What it may do; `valetkey pat scopes` lists them
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) scopes: Vec<String>,
    /// When it ends: `8h`, `30d`, `2026-12-31`
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(crate) expires: String,
    /// Take scopes that Azure DevOps does not list
    #[arg(long)]
    pub(crate) unlisted_scope: bool,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) sink: Sink,
}

#[derive(Debug, Args)]
pub(crate) struct Regenerate {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Other scopes than the old one's
    #[arg(long = "scope", value_name = "SCOPE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) scopes: Vec<String>,
    /// When it ends: `8h`, `30d`, `2026-12-31`
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// Take scopes that Azure DevOps does not list
    #[arg(long)]
    pub(crate) unlisted_scope: bool,
    #[command(flatten)]
    pub(crate) sink: Sink,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true, args = ["name", "scopes", "expires"])]
pub(crate) struct Update {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Another name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
    /// Other scopes
    #[arg(long = "scope", value_name = "SCOPE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) scopes: Vec<String>,
    /// Another end: `8h`, `30d`, `2026-12-31`
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
    /// Take scopes that Azure DevOps does not list
    #[arg(long)]
    pub(crate) unlisted_scope: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Sink {
    /// Give the value to the command after `--`, on its standard input
    #[arg(long, group = "sink", requires = "command")]
    pub(crate) to_command: bool,
    /// Keep the value in the vault under this name
    #[arg(long, group = "sink", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) keep: Option<String>,
    /// Print the value on standard output, where it stays in the scrollback
    #[arg(long, group = "sink")]
    pub(crate) print: bool,
    /// Show the value on the terminal until a key is pressed
    #[arg(long, group = "sink")]
    pub(crate) show: bool,
    /// The command and its arguments
    #[arg(last = true, requires = "to_command", conflicts_with_all = ["keep", "print", "show"], value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct UseSink {
    /// Give the value to the command after `--`, on its standard input
    #[arg(long, group = "use-sink", requires = "command")]
    pub(crate) to_command: bool,
    /// Print the value on standard output, where it stays in the scrollback
    #[arg(long, group = "use-sink")]
    pub(crate) print: bool,
    /// Show the value on the terminal until a key is pressed
    #[arg(long, group = "use-sink")]
    pub(crate) show: bool,
    /// The command and its arguments
    #[arg(last = true, requires = "to_command", conflicts_with_all = ["print", "show"], value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
