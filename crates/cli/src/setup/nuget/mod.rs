//! The ways by which clients of NuGet come to valetkey.
//!
//! Every client has its own: a program on the PATH (SDK 9.0.200 and later), a native program under
//! `~/.nuget/plugins/netfx` (nuget.exe and MSBuild), a managed one under `~/.nuget/plugins/netcore` (older SDKs).

mod record;
mod route;
mod sdk;
mod shim;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use crate::failure::Failure;

pub(crate) use record::Record;
pub(crate) use route::{OnPath, before_it, on_path, put_in, put_on_path};
pub(crate) use sdk::{Dotnet, Sdk, Version};
pub(crate) use shim::put_shim;

/// File name of the plugin, without a suffix; also that of its folders.
pub(crate) const PLUGIN: &str = "nuget-plugin-valetkey";

/// Where the ways are laid.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    /// The person's home folder.
    pub(crate) home: &'a Path,
    /// The native plugin beside this program.
    pub(crate) plugin: &'a Path,
    /// Where programs are looked for.
    pub(crate) path: Option<OsString>,
}

impl Ground<'_> {
    /// The folder of the plugin for one kind of client, `netfx` or `netcore`.
    pub(crate) fn folder(&self, kind: &str) -> PathBuf {
        self.home.join(".nuget/plugins").join(kind).join(PLUGIN)
    }
}

/// How a way was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Laid {
    /// It was there.
    Already,
    /// It is there now.
    Now,
}

/// Why a way could not be laid or taken up.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// Something else lies in the place.
    Taken(PathBuf),
    /// The file system refused.
    Refused(PathBuf, io::Error),
    /// No compiler for the shim is there, or none could compile it: what the last one said.
    NoCompiler(Option<String>),
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Taken(path) => Self::failed(
                format!("`{}` is not of valetkey and was left as it is", path.display()),
                "move it away, then run `valetkey setup nuget` again",
            ),
            SetupError::Refused(path, error) => Self::failed(
                format!("`{}` cannot be changed: {error}", path.display()),
                "correct that, then run `valetkey setup nuget` again",
            ),
            SetupError::NoCompiler(None) => Self::failed(
                "no C# compiler is found to make the plugin for SDKs older than 9.0.200",
                "install Debian's `mono-mcs`, or an SDK from 9.0.200 on, which needs none",
            ),
            SetupError::NoCompiler(Some(said)) => Self::failed(
                format!("the plugin for SDKs older than 9.0.200 cannot be compiled: {said}"),
                "install Debian's `mono-mcs`, then run `valetkey setup nuget` again",
            ),
        }
    }
}

/// Names the file an error is about.
fn of(path: &Path) -> impl FnOnce(io::Error) -> SetupError {
    let path = path.to_owned();
    move |error| SetupError::Refused(path, error)
}
