//! Everything outside this program that a verb may touch, handed in so that tests hand in something else.

use std::{ffi::OsString, fmt, io, path::PathBuf};

use valetkey_paths::env;
use valetkey_protocol::{Caller, SecretString};

use crate::{agent::Agent, environment::Environment, programs::Programs, publishing::Publishing, setup::Git};

/// The world a run takes place in.
pub struct World<'a> {
    /// Standard output: data only.
    pub out: &'a mut dyn io::Write,
    /// Standard error: everything said to a person.
    pub err: &'a mut dyn io::Write,
    /// The agent.
    pub agent: &'a mut dyn Agent,
    /// The person at the terminal.
    pub person: &'a mut dyn Person,
    /// Programs run for the person.
    pub programs: &'a mut dyn Programs,
    /// The pipeline this runs in.
    pub publishing: &'a mut dyn Publishing,
    /// The git program.
    pub git: Git,
    /// Where this run takes place.
    pub place: Place,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("git", &self.git).field("place", &self.place).finish_non_exhaustive()
    }
}

/// What can be asked of the person.
pub trait Person {
    /// Opens an address in the browser; `false` when that cannot be done.
    fn open_browser(&mut self, url: &str) -> bool;

    /// Asks for a passphrase on the terminal without showing it.
    fn passphrase(&mut self, prompt: &str) -> io::Result<SecretString>;

    /// Whether there is a terminal to show something on.
    fn has_terminal(&self) -> bool;

    /// Shows a secret on the terminal, on a screen of its own that leaves nothing behind.
    fn show_secret(&mut self, heading: &str, secret: &SecretString) -> io::Result<Box<dyn Shown>>;

    /// Asks for a secret on the terminal without showing it, or reads one line of standard input where that is none.
    fn secret(&mut self, prompt: &str) -> io::Result<SecretString>;
}

/// A screen that shows a secret. Dropping it takes it away.
pub trait Shown {
    /// Waits until the person has seen enough.
    fn until_a_key(self: Box<Self>) -> io::Result<()>;
}

/// Facts about this machine and session.
#[derive(Debug, Clone)]
pub struct Place {
    /// The person's configuration file.
    pub config_file: PathBuf,
    /// The git helper, as git is to call it: an absolute path.
    pub git_helper: PathBuf,
    /// NuGet's plugin beside this program: an absolute path.
    pub nuget_plugin: PathBuf,
    /// Where it is noted what was put in for NuGet.
    pub nuget_record: PathBuf,
    /// Folder of NuGet's configuration of the machine.
    pub nuget_machine: PathBuf,
    /// The person's home folder.
    pub home: PathBuf,
    /// The current folder.
    pub folder: PathBuf,
    /// What the environment says.
    pub environment: Environment,
    /// Whether a browser can be shown here.
    pub screen: Screen,
    /// Seconds since 1970.
    pub now: u64,
    /// Whether standard output is thrown away: it is closed, or is the null device.
    pub output_is_lost: bool,
    /// This process, where it can be told from others.
    pub caller: Option<Caller>,
}

impl Place {
    /// Where programs are looked for.
    pub(crate) fn path(&self) -> Option<&OsString> {
        self.environment.get(env::PATH)
    }
}

/// Whether a browser opened here would be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Yes.
    Here,
    /// The session comes over SSH: a browser would open on the far machine.
    Remote,
    /// There is no graphical display.
    Absent,
}
