//! What a package is called, read out of the package.
//!
//! A .nupkg comes from anywhere. Of the archive only the list of its files and the one nuspec are read, and neither
//! costs more memory or time than a file of that size honestly needs.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use crate::{PackageId, PackageVersion};

mod archive;
mod nuspec;
#[cfg(test)]
mod tests;

pub use archive::MAX_NUSPEC;

/// The name and the version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its id.
    pub id: PackageId,
    /// Its version, in the form nuget.org knows it by.
    pub version: PackageVersion,
}

impl Package {
    /// Reads them out of a file.
    pub fn open(path: &Path) -> Result<Self, NupkgError> {
        // Before it is opened: a pipe would wait for ever.
        if !std::fs::metadata(path)?.is_file() {
            return Err(NupkgError::NotAFile);
        }
        Self::read(&mut BufReader::new(File::open(path)?))
    }

    /// Reads them out of a package's bytes.
    pub fn read(package: &mut (impl Read + Seek)) -> Result<Self, NupkgError> {
        nuspec::parse(&archive::nuspec(package)?)
    }

    /// Reads them out of the bytes of a nuspec.
    pub fn from_nuspec(nuspec: &[u8]) -> Result<Self, NupkgError> {
        nuspec::parse(nuspec)
    }
}

/// A file that cannot be pushed, since nobody can say what it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NupkgError {
    /// It cannot be read.
    #[error("it cannot be read: {}", .0.kind())]
    Io(io::Error),
    /// A folder, or a device.
    #[error("it is no file")]
    NotAFile,
    /// No zip archive.
    #[error("it is no package: not a zip archive")]
    NotAZip,
    /// A zip archive that contradicts itself or ends too early.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// A zip archive of a kind that no package has.
    #[error("its archive uses {0}, which no package does")]
    Unsupported(&'static str),
    /// No nuspec at the top of the archive.
    #[error("it is no package: it has no .nuspec at its top")]
    NoNuspec,
    /// More than one nuspec at the top: no two programs would agree what the package is.
    #[error("it has more than one .nuspec at its top")]
    ManyNuspecs,
    /// A nuspec longer than [`MAX_NUSPEC`].
    #[error("its .nuspec is longer than {MAX_NUSPEC} bytes")]
    NuspecTooLarge,
    /// A nuspec that is no XML in UTF-8 or UTF-16.
    #[error("its .nuspec is not well-formed: {0}")]
    NotXml(&'static str),
    /// A nuspec with a document type, by which XML can grow without end.
    #[error("its .nuspec has a document type")]
    DocumentType,
    /// A nuspec without an id or a version.
    #[error("its .nuspec has no `{0}`")]
    Missing(&'static str),
    /// A nuspec with two ids or versions.
    #[error("its .nuspec has more than one `{0}`")]
    Twice(&'static str),
    /// An id that nuget.org would not take; safe to print.
    #[error("its id `{0}` is none that nuget.org takes")]
    BadId(String),
    /// A version that is none; safe to print.
    #[error("its version `{0}` is none")]
    BadVersion(String),
}

impl NupkgError {
    /// What to do next: one line.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) | Self::NotAFile => "name a .nupkg file that you can read",
            Self::BadId(_) | Self::BadVersion(_) => {
                "correct the project and pack it again with `dotnet pack`"
            }
            _ => "make the package again with `dotnet pack`",
        }
    }
}

impl From<io::Error> for NupkgError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::Damaged("its compression is wrong")
            }
            _ => Self::Io(error),
        }
    }
}
