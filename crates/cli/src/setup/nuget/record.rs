//! What was put in, so that exactly that is taken out.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use valetkey_paths::trust;

use super::{SetupError, of};

/// Everything that was made, in the order it was made. Written before a thing is made: what is on the list and not on
/// the disk does no harm, the other way round it would stay for ever.
#[derive(Debug)]
pub(crate) struct Record {
    file: PathBuf,
    made: Vec<PathBuf>,
}

impl Record {
    /// Reads it; a file that is not there or not to be understood holds nothing.
    pub(crate) fn read(file: &Path) -> Self {
        let made =
            fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file: file.to_owned(), made }
    }

    /// Whether this is of our making.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.made.iter().any(|made| made == path)
    }

    /// Notes that something is about to be made.
    pub(crate) fn note(&mut self, path: &Path) -> Result<(), SetupError> {
        if !self.holds(path) {
            self.made.push(path.to_owned());
            self.write()?;
        }
        Ok(())
    }

    /// Makes a folder and those above it, as far as they are missing.
    pub(crate) fn make_folder(&mut self, folder: &Path) -> Result<(), SetupError> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make_folder(parent)?;
        }
        self.note(folder)?;
        fs::create_dir(folder).map_err(of(folder))
    }

    /// Takes out what is on the list, newest first, and gives what that was. A folder that somebody else has put
    /// something into stays.
    pub(crate) fn take_out(mut self) -> Result<Vec<PathBuf>, SetupError> {
        let mut gone = Vec::new();
        while let Some(path) = self.made.pop() {
            let removed = match path.symlink_metadata() {
                Ok(facts) if facts.is_dir() => fs::remove_dir(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Ok(()) => gone.push(path),
                Err(error) if is_no_matter(&error) => {}
                Err(error) => {
                    self.made.push(path.clone());
                    self.write()?;
                    return Err(SetupError::Refused(path, error));
                }
            }
        }
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SetupError::Refused(self.file, error))
            }
            _ => Ok(gone),
        }
    }

    fn write(&self) -> Result<(), SetupError> {
        let refused = of(&self.file);
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        let written = trust::ensure_private_dir(folder).map_err(io::Error::other).and_then(|()| {
            let new = self.file.with_extension("new");
            fs::write(&new, serde_json::to_vec_pretty(&self.made)?)?;
            fs::rename(&new, &self.file)
        });
        written.map_err(refused)
    }
}

fn is_no_matter(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory
    )
}
