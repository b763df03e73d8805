//! Which folders and files may be believed: those that nobody but their owner and root can change.
//!
//! A path is walked from the root down, symbolic links included, because whoever can change one component can
//! change what the whole path means.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::PathError;

/// Makes sure that `path` is a folder of this user that nobody else can enter (mode 0700). What is missing is
/// created so; a folder of ours that others could read is narrowed; one that others could change is refused.
pub fn ensure_private_dir(path: &Path) -> Result<(), PathError> {
    imp::ensure_private_dir(path, imp::current_user())
}

/// Makes sure that `path` is a regular file that only this user or root can change. Others may read it.
pub fn check_private_file(path: &Path) -> Result<(), PathError> {
    imp::check_private_file(path, imp::current_user())
}

/// The user id this process acts as, on systems that have one.
pub fn current_user() -> Option<u32> {
    #[cfg(unix)]
    return Some(imp::current_user());
    #[cfg(not(unix))]
    None
}

/// The components still to be walked, first to last.
type Rest = VecDeque<OsString>;

fn components(path: &Path) -> Rest {
    path.components()
        .filter(|component| {
            !matches!(component, Component::RootDir | Component::CurDir | Component::Prefix(_))
        })
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

fn io_error(path: &Path, source: std::io::Error) -> PathError {
    PathError::Io { path: path.to_owned(), source }
}

fn untrusted(path: &Path, why: &'static str, hint: &'static str) -> PathError {
    PathError::Untrusted { path: path.to_owned(), why, hint }
}

#[cfg(unix)]
mod imp {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};

    use super::{Path, PathBuf, PathError, Rest, components, fs, io_error, untrusted};

    const ROOT: u32 = 0;
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    const MAX_LINKS: usize = 40;

    pub(super) fn current_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    pub(super) fn ensure_private_dir(path: &Path, user: u32) -> Result<(), PathError> {
        let place = walk(path, user, true)?;
        let found = fs::symlink_metadata(&place).map_err(|error| io_error(&place, error))?;
        if !found.is_dir() {
            return Err(untrusted(&place, "is not a folder", "remove `{}`"));
        }
        if found.uid() != user {
            return Err(untrusted(&place, "belongs to another user", "remove `{}` and try again"));
        }
        if found.mode() & OTHERS_WRITE != 0 {
            return Err(untrusted(&place, "can be changed by other users", "remove `{}` and try again"));
        }
        if found.mode() & 0o777 != 0o700 {
            let private = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&place, private).map_err(|error| io_error(&place, error))?;
        }
        Ok(())
    }

    pub(super) fn check_private_file(path: &Path, user: u32) -> Result<(), PathError> {
        let place = walk(path, user, false)?;
        let found = fs::symlink_metadata(&place).map_err(|error| io_error(&place, error))?;
        if !found.is_file() {
            return Err(untrusted(&place, "is not a regular file", "put a regular file at `{}`"));
        }
        judge(&place, found.uid(), found.mode(), user)
    }

    /// Follows `path` from the root and judges every folder and link on the way, but not the last thing it arrives
    /// at. With `create`, missing folders are made with mode 0700.
    fn walk(path: &Path, user: u32, create: bool) -> Result<PathBuf, PathError> {
        if !path.is_absolute() {
            return Err(untrusted(path, "is not an absolute path", "name it by its full path"));
        }
        let mut rest = components(path);
        let mut place = PathBuf::from("/");
        let mut links = 0;
        while let Some(next) = rest.pop_front() {
            let folder = fs::symlink_metadata(&place).map_err(|error| io_error(&place, error))?;
            judge_above(&place, &folder, user)?;
            if next == ".." {
                place.pop();
                continue;
            }
            place.push(next);
            match fs::symlink_metadata(&place) {
                Ok(found) if found.is_symlink() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(untrusted(path, "has too many symbolic links", "remove `{}`"));
                    }
                    judge_link(&place, found.uid(), user)?;
                    follow(&mut place, &mut rest)?;
                }
                Ok(_) => {}
                Err(error) if create && error.kind() == std::io::ErrorKind::NotFound => make(&place)?,
                Err(error) => return Err(io_error(&place, error)),
            }
        }
        Ok(place)
    }

    fn follow(place: &mut PathBuf, rest: &mut Rest) -> Result<(), PathError> {
        let target = fs::read_link(&*place).map_err(|error| io_error(place, error))?;
        for component in components(&target).into_iter().rev() {
            rest.push_front(component);
        }
        if target.is_absolute() {
            *place = PathBuf::from("/");
        } else {
            place.pop();
        }
        Ok(())
    }

    /// Another process of ours may make the same folder at the same time.
    fn make(place: &Path) -> Result<(), PathError> {
        match fs::DirBuilder::new().mode(0o700).create(place) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(io_error(place, error)),
            _ => Ok(()),
        }
    }

    /// A folder of root's that everybody may write to is no danger when it is sticky: nobody can replace what
    /// belongs to us or root, and what belongs to others is refused one component later.
    fn judge_above(place: &Path, found: &fs::Metadata, user: u32) -> Result<(), PathError> {
        if !found.is_dir() {
            return Err(untrusted(place, "is not a folder", "remove `{}`"));
        }
        if found.uid() == ROOT && found.mode() & STICKY != 0 {
            return Ok(());
        }
        judge(place, found.uid(), found.mode(), user)
    }

    fn judge_link(place: &Path, owner: u32, user: u32) -> Result<(), PathError> {
        judge(place, owner, 0, user)
    }

    pub(super) fn judge(place: &Path, owner: u32, mode: u32, user: u32) -> Result<(), PathError> {
        if owner != user && owner != ROOT {
            return Err(untrusted(place, "belongs to another user", "remove `{}` or give it to your user"));
        }
        if mode & OTHERS_WRITE != 0 {
            return Err(untrusted(place, "can be changed by other users", "run `chmod go-w {}`"));
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod imp {
    use super::{Path, PathError, fs, io_error, untrusted};

    pub(super) fn current_user() {}

    /// The profile folder's access list is inherited: private to the user, the system and administrators.
    pub(super) fn ensure_private_dir(path: &Path, (): ()) -> Result<(), PathError> {
        fs::create_dir_all(path).map_err(|error| io_error(path, error))
    }

    pub(super) fn check_private_file(path: &Path, (): ()) -> Result<(), PathError> {
        let found = fs::metadata(path).map_err(|error| io_error(path, error))?;
        if found.is_file() {
            Ok(())
        } else {
            Err(untrusted(path, "is not a regular file", "put a regular file at `{}`"))
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
