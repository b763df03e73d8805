//! The ledger's file: lines appended and synced, replaced by rename.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use super::{Entry, LedgerError};

#[derive(Debug)]
pub(super) struct LedgerFile {
    path: PathBuf,
    open: Option<File>,
    lines: usize,
    skipped: usize,
}

impl LedgerFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, open: None, lines: 0, skipped: 0 }
    }

    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    /// The last line of every entry, closed or not, and how many lines those that are not closed do not need. A line that cannot be read is counted and
    /// passed over: the last one may have been cut off by a crash, before the step it announces was taken.
    pub(super) fn read(&mut self) -> Result<(Vec<Entry>, usize), LedgerError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(self.error(source)),
        };
        let mut latest = BTreeMap::new();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.lines += 1;
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) => {
                    latest.insert(entry.nonce.clone(), entry);
                }
                Err(_) => self.skipped += 1,
            }
        }
        let open = latest.values().filter(|entry| !entry.state.is_closed()).count();
        Ok((latest.into_values().collect(), self.lines - open))
    }

    /// Whether the file lines go to is no longer the one of that name: somebody removed it, or its folder.
    pub(super) fn is_astray(&self) -> bool {
        self.open.as_ref().is_some_and(|file| !is_at(file, &self.path))
    }

    /// Appends one line and waits until it is on the disk.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let written = line(entry).and_then(|line| {
            let file = self.opened()?;
            file.write_all(&line).and_then(|()| file.sync_data())
        });
        match written {
            Ok(()) => {
                self.lines += 1;
                Ok(())
            }
            Err(source) => {
                // What was written of the line is unknown: the next one begins on a line of its own.
                self.open = None;
                Err(self.error(source))
            }
        }
    }

    /// Puts exactly these entries in the place of the file.
    pub(super) fn replace<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Result<(), LedgerError> {
        let mut lines = 0;
        let mut text = Vec::new();
        for entry in entries {
            text.extend(line(entry).map_err(|source| self.error(source))?);
            lines += 1;
        }
        crate::files::replace(&self.path, &text).map_err(|source| self.error(source))?;
        self.open = None;
        self.lines = lines;
        Ok(())
    }

    fn opened(&mut self) -> io::Result<&mut File> {
        if self.open.is_none() {
            let torn = ends_torn(&self.path)?;
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            crate::files::private(&mut options);
            let mut file = options.open(&self.path)?;
            if torn {
                file.write_all(b"\n")?;
            }
            self.open = Some(file);
        }
        self.open.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }

    fn error(&self, source: io::Error) -> LedgerError {
        LedgerError { path: self.path.clone(), source }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

/// What is open cannot be removed there.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn ends_torn(path: &Path) -> io::Result<bool> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.last().is_some_and(|byte| *byte != b'\n')),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}
