//! The places.

use std::path::{Path, PathBuf};

use directories::BaseDirs;

use crate::PathError;

/// Bytes of a socket's path that fit into `sun_path`, without the closing zero.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where everything of one user lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the socket, of mode 0700.
    pub runtime_dir: PathBuf,
    /// The agent's socket.
    pub socket: PathBuf,
    /// Held while an agent is being started, so that a crowd of clients starts one.
    pub start_lock: PathBuf,
    /// Held by the running agent. It guards the ledger and lies beside it: two agents that see different runtime
    /// folders, or one whose runtime folder was removed, still meet at this file.
    pub agent_lock: PathBuf,
    /// The user's configuration.
    pub config_user: PathBuf,
    /// The machine's configuration, under the user's.
    pub config_system: PathBuf,
    /// Folder of what must survive a restart, of mode 0700.
    pub state_dir: PathBuf,
    /// Accounts and what is known of organisations.
    pub state_file: PathBuf,
    /// Every key that was ever asked for and is not yet known to be dead.
    pub ledger: PathBuf,
    /// The audit trail.
    pub audit: PathBuf,
    /// The agent's log.
    pub log: PathBuf,
    /// The sealed file of secrets.
    pub sealed: PathBuf,
}

impl Paths {
    /// The places of the user this process runs as: `$XDG_RUNTIME_DIR/valetkey`, or the user's cache folder where
    /// there is no runtime folder; never a folder that all users share.
    pub fn discover() -> Result<Self, PathError> {
        let base = BaseDirs::new().ok_or(PathError::NoHome)?;
        let runtime_dir = match base.runtime_dir() {
            Some(runtime) => runtime.join("valetkey"),
            None => base.cache_dir().join("valetkey/run"),
        };
        let state = base.state_dir().unwrap_or_else(|| base.data_local_dir());
        Self::at(
            runtime_dir,
            &base.config_dir().join("valetkey"),
            Path::new("/etc/valetkey"),
            state.join("valetkey"),
        )
    }

    /// The same places under one folder: `run`, `config`, `etc` and `state`.
    pub fn under(root: &Path) -> Result<Self, PathError> {
        Self::at(root.join("run"), &root.join("config"), &root.join("etc"), root.join("state"))
    }

    fn at(runtime_dir: PathBuf, config: &Path, system: &Path, state_dir: PathBuf) -> Result<Self, PathError> {
        let socket = runtime_dir.join("agent.sock");
        if socket.as_os_str().len() > SOCKET_PATH_LIMIT {
            return Err(PathError::SocketTooLong { path: socket, limit: SOCKET_PATH_LIMIT });
        }
        Ok(Self {
            start_lock: runtime_dir.join("start.lock"),
            socket,
            runtime_dir,
            config_user: config.join("config.toml"),
            config_system: system.join("config.toml"),
            agent_lock: state_dir.join("agent.lock"),
            state_file: state_dir.join("state.json"),
            ledger: state_dir.join("ledger.jsonl"),
            audit: state_dir.join("audit.jsonl"),
            log: state_dir.join("agent.log"),
            sealed: state_dir.join("sealed"),
            state_dir,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_fits_to_the_last_byte() {
        let spent = "/run/agent.sock".len() + 1;
        let fits = PathBuf::from(format!("/{}", "a".repeat(SOCKET_PATH_LIMIT - spent)));
        assert_eq!(Paths::under(&fits).unwrap().socket.as_os_str().len(), SOCKET_PATH_LIMIT);

        let long = PathBuf::from(format!("/{}", "a".repeat(SOCKET_PATH_LIMIT - spent + 1)));
        let error = Paths::under(&long).unwrap_err();
        assert!(error.to_string().contains("108 bytes, more than the 107") || !cfg!(target_os = "linux"));
        assert!(error.hint().contains("`XDG_RUNTIME_DIR`"));
        // A line is cut at 200 characters.
        let error = Paths::under(Path::new(&"/länger".repeat(600))).unwrap_err().to_string();
        assert!(error.chars().count() < 200, "{error}");
        assert!(
            error.contains("…") && error.contains("/run/agent.sock` has 4815 bytes, more than the"),
            "{error}"
        );
    }

    #[test]
    fn the_places_lie_where_the_documents_say() {
        let paths = Paths::under(Path::new("/r")).unwrap();
        assert_eq!(paths.socket, Path::new("/r/run/agent.sock"));
        assert_eq!(paths.config_user, Path::new("/r/config/config.toml"));
        assert_eq!(paths.agent_lock, Path::new("/r/state/agent.lock"));
    }
}
