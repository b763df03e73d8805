//! The file of a sealed store on the disk: private, whole, and written by one process at a time.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::VaultError;

/// The most that is read, in bytes. A map of a few tokens is far below.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The file's bytes, or nothing where there is no file. A file that others could have touched is refused.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    let file = match options().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
            return Err(VaultError::NotPrivate(path.to_owned(), "it is a symbolic link"));
        }
        Err(error) => return Err(VaultError::io("cannot read", path, &error)),
    };
    check_private(&file, path)?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| VaultError::io("cannot read", path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(VaultError::Damaged(path.to_owned()));
    }
    Ok(Some(bytes))
}

/// Waits for the lock that all writers of this file take, and holds it until the value is dropped.
pub(super) fn lock(path: &Path) -> Result<File, VaultError> {
    let beside = with_suffix(path, ".lock");
    let failed = |error: io::Error| VaultError::io("cannot lock", &beside, &error);
    if let Some(folder) = path.parent() {
        create_private_dir(folder).map_err(|error| VaultError::io("cannot create", folder, &error))?;
    }
    let file = options().write(true).create(true).truncate(false).open(&beside).map_err(failed)?;
    check_private(&file, &beside)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Puts the bytes in the file's place. At every moment, also after a power cut, the whole old file or the whole new
/// one is there. The caller holds the [`lock`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let beside = with_suffix(path, ".new");
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&beside);
        return Err(VaultError::io("cannot write", path, &error));
    }
    sync_folder(path).map_err(|error| VaultError::io("cannot write", path, &error))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One that a killed process left behind.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = OpenOptions::new();
    // The flags are the kernel's, whose type in C is `int`.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn check_private(file: &File, path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::MetadataExt as _;

    let found = file.metadata().map_err(|error| VaultError::io("cannot read", path, &error))?;
    let problem = if !found.is_file() {
        "it is no file"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "others may use it"
    } else {
        return Ok(());
    };
    Err(VaultError::NotPrivate(path.to_owned(), problem))
}

/// The profile folder's own access list keeps others out.
#[cfg(not(unix))]
fn check_private(_file: &File, _path: &Path) -> Result<(), VaultError> {
    Ok(())
}

#[cfg(unix)]
fn create_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
