//! Links to the native plugin. A link and no copy: the plugin starts the agent that lies beside the real file.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Ground, Laid, PLUGIN, Record, SetupError, of};
use crate::programs::is_program;

/// How the plugin is to be found on the PATH.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OnPath {
    /// It is, here.
    Here(PathBuf),
    /// A link was put there.
    Linked(PathBuf),
    /// No folder of the person's own is on the PATH.
    Nowhere,
}

/// Where the PATH holds this very plugin.
pub(crate) fn on_path(plugin: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let real = plugin.canonicalize().ok()?;
    of_its_name(path).find(|candidate| candidate.canonicalize().is_ok_and(|other| other == real))
}

/// The program of the plugin's name that the PATH holds before it: NuGet asks that one first.
pub(crate) fn before_it(plugin: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let real = plugin.canonicalize().ok()?;
    of_its_name(path).next().filter(|first| first.canonicalize().is_ok_and(|other| other != real))
}

fn of_its_name(path: Option<&OsStr>) -> impl Iterator<Item = PathBuf> {
    let name = format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::split_paths(path.unwrap_or_default()).filter(|folder| folder.is_absolute());
    folders.map(move |folder| folder.join(&name)).filter(|candidate| is_program(candidate))
}

/// Sees to it that the plugin is on the PATH, by a link in `~/.local/bin` where that folder is on it.
pub(crate) fn put_on_path(ground: &Ground<'_>, record: &mut Record) -> Result<OnPath, SetupError> {
    let path = ground.path.as_deref();
    if let Some(place) = on_path(ground.plugin, path) {
        return Ok(OnPath::Here(place));
    }
    let own = ground.home.join(".local/bin");
    if !path.is_some_and(|path| std::env::split_paths(path).any(|folder| folder == own)) {
        return Ok(OnPath::Nowhere);
    }
    let link = own.join(format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX));
    put_in(&link, ground.plugin, record)?;
    Ok(OnPath::Linked(link))
}

/// Puts a link to the plugin into a place. One that an earlier setup put there, or that leads to a plugin of this
/// name elsewhere, is replaced; anything else is not ours to touch.
pub(crate) fn put_in(link: &Path, plugin: &Path, record: &mut Record) -> Result<Laid, SetupError> {
    match fs::read_link(link) {
        Ok(target) if target == plugin => return Ok(Laid::Already),
        Ok(target) if record.holds(link) || target.file_name() == plugin.file_name() => {
            record.note(link)?;
            fs::remove_file(link).map_err(of(link))?;
        }
        Ok(_) => return Err(SetupError::Taken(link.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = link.parent() {
                record.make_folder(folder)?;
            }
            record.note(link)?;
        }
        // It is there and no link.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(SetupError::Taken(link.to_owned()));
        }
        Err(error) => return Err(SetupError::Refused(link.to_owned(), error)),
    }
    make_link(plugin, link).map_err(of(link))?;
    Ok(Laid::Now)
}

#[cfg(unix)]
fn make_link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn make_link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, at)
}
