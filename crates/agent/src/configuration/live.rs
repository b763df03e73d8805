//! The configuration that holds now, and reading it anew.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use valetkey_protocol::Refusal;

use super::{
    Configuration, ConfigurationError,
    check::check,
    file::{Combine as _, File},
};

/// No configuration is as large, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Decides whether a file's owner and mode allow believing it.
pub type Trust = fn(&Path) -> Result<(), ConfigurationError>;

/// Where the configuration comes from.
#[derive(Clone)]
pub struct Sources {
    /// The administrator's file.
    pub system: PathBuf,
    /// The user's file; its values go over the system's.
    pub user: PathBuf,
    /// Asked for each file that exists.
    pub trust: Trust,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("system", &self.system)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// Reads both files. A file that does not exist says nothing.
    pub fn read(&self) -> Result<Configuration, ConfigurationError> {
        let system = self.file(&self.system)?;
        let user = self.file(&self.user)?;
        Ok(user.over(system).into())
    }

    fn file(&self, path: &Path) -> Result<File, ConfigurationError> {
        let unreadable = |error: io::Error| ConfigurationError::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        };
        match fs::symlink_metadata(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(File::default());
            }
            Err(error) => return Err(unreadable(error)),
            Ok(_) => {}
        }
        (self.trust)(path)?;
        let mut text = String::new();
        let file = fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE).read_to_string(&mut text).map_err(unreadable)?;
        parse(path, &text)
    }
}

fn parse(path: &Path, text: &str) -> Result<File, ConfigurationError> {
    let file = toml::from_str(text).map_err(|error| ConfigurationError::parsing(path, text, &error))?;
    check(path, &file)?;
    Ok(file)
}

/// The configuration in use.
#[derive(Debug)]
pub struct Live {
    sources: Sources,
    first: Arc<Configuration>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<Configuration>,
    problem: Option<Refusal>,
}

impl Live {
    /// Reads it for the first time; a bad one is refused.
    pub fn read(sources: Sources) -> Result<Self, ConfigurationError> {
        let current = Arc::new(sources.read()?);
        let state = State { current: Arc::clone(&current), problem: None };
        Ok(Self { sources, first: current, state: RwLock::new(state) })
    }

    /// What holds now.
    pub fn current(&self) -> Arc<Configuration> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// Why the newest files are not what holds.
    pub fn problem(&self) -> Option<Refusal> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Whether something was changed that is used at start only.
    pub fn needs_restart(&self) -> bool {
        let current = self.current();
        (&current.network, current.vault) != (&self.first.network, self.first.vault)
    }

    /// Reads it anew. One that is bad, or that `accept` refuses, changes nothing but [`Self::problem`].
    pub fn reload(&self, accept: impl FnOnce(&Configuration) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let accepted =
            self.sources.read().map_err(Refusal::from).and_then(|read| accept(&read).map(|()| read));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match accepted {
            Ok(read) => *state = State { current: Arc::new(read), problem: None },
            Err(refusal) => {
                state.problem = Some(refusal.clone());
                return Err(refusal);
            }
        }
        Ok(())
    }
}
