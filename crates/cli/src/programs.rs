//! The seam to other programs that are run for the person, on this program's own streams.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use valetkey_protocol::SecretString;

use crate::exit::Exit;

/// Other programs as a verb sees them.
pub trait Programs {
    /// From here on a wish to end, such as Ctrl-C, is one for the program that is run and not for this one, which waits
    /// for it and then tells how it went. Where there are no such wishes this does nothing.
    fn hold(&mut self) -> io::Result<()>;

    /// From here on the second wish to end is granted: what is left to do here is to wait for an answer.
    fn let_go(&mut self);

    /// Runs a program in this one's place, where the system can do that. Comes back with how it ended elsewhere, or
    /// where it could not be started.
    fn instead(&mut self, command: &mut Command) -> io::Result<Exit>;

    /// Runs a program with a secret, and nothing else, on its standard input, and waits for it. A wish to end that was
    /// held before it started is an error.
    fn feed(&mut self, command: &mut Command, secret: &SecretString) -> io::Result<Exit>;

    /// Runs a program and waits for it.
    fn wait(&mut self, command: &mut Command) -> io::Result<Exit>;

    /// The same; what it says is passed on as it comes, and every line of it is heard. It has no terminal then.
    fn overhear(&mut self, command: &mut Command, on_line: &mut dyn FnMut(&str)) -> io::Result<Exit>;
}

/// The program of this name on a PATH.
pub(crate) fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    find_file(&format!("{name}{}", std::env::consts::EXE_SUFFIX), path)
}

/// The program with this file name on a PATH.
pub(crate) fn find_file(file: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(file))
        .find(|candidate| is_program(candidate))
}

/// The .NET program with this file name on a PATH. mono reads it, so it need not be executable; elsewhere there is none.
pub(crate) fn find_for_mono(file: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let folders = std::env::split_paths(path?).filter(|folder| cfg!(unix) && folder.is_absolute());
    folders.map(|folder| folder.join(file)).find(|candidate| candidate.is_file())
}

/// Whether a file can be run by anybody.
pub(crate) fn is_program(path: &Path) -> bool {
    let Ok(facts) = path.metadata() else { return false };
    facts.is_file() && may_run(&facts)
}

#[cfg(unix)]
fn may_run(facts: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(facts) & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_: &std::fs::Metadata) -> bool {
    true
}
