//! The git program, as the keeper of its own configuration.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use valetkey_protocol::shown;

use crate::failure::Failure;

/// The git program.
#[derive(Debug, Clone)]
pub struct Git {
    /// The program: a path, or a name that is looked up.
    pub program: PathBuf,
    /// The whole environment it is given; this process's own where there is none.
    pub environment: Option<Vec<(OsString, OsString)>>,
}

/// One of git's configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// The person's.
    Global,
    /// The machine's.
    System,
    /// All that apply outside a repository, in the order git reads them.
    All,
}

impl File {
    fn option(self) -> Option<&'static str> {
        match self {
            Self::Global => Some("--global"),
            Self::System => Some("--system"),
            Self::All => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Global => "git's global configuration",
            Self::System => "git's system configuration",
            Self::All => "git's configuration",
        }
    }
}

/// One line of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key as git prints it: section and name in lower case.
    pub(crate) key: String,
    /// The value.
    pub(crate) value: String,
}

impl Entry {
    /// Whether it names a credential helper.
    pub(crate) fn is_helper(&self) -> bool {
        self.key == "credential.helper" || self.key.ends_with(".helper")
    }

    /// The address it holds for: nothing where it holds for all.
    pub(crate) fn address(&self) -> Option<&str> {
        self.key.strip_prefix("credential.")?.rsplit_once('.').map(|(address, _)| address)
    }
}

/// Why git's configuration could not be read or changed.
#[derive(Debug)]
pub(crate) enum GitError {
    /// git could not be run.
    Absent(io::Error),
    /// git refused.
    Refused {
        /// What was asked, for a person.
        doing: &'static str,
        /// git's first line about it.
        said: String,
    },
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Absent(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::failed("git is not found", "install git, or put it on the PATH")
            }
            GitError::Absent(error) => {
                Self::failed(format!("git cannot be run: {error}"), "check the git on your PATH")
            }
            GitError::Refused { doing, said } => Self::failed(
                format!("git could not {doing}: {said}"),
                "correct what git names, then run the command again",
            ),
        }
    }
}

impl Git {
    /// The git on the PATH.
    pub fn on_path() -> Self {
        Self { program: PathBuf::from("git"), environment: None }
    }

    /// Whether it knows `*` in `credential.<address>.*`, as since 2.26. A version not understood counts as new.
    pub(crate) fn knows_wildcards(&self) -> Result<bool, GitError> {
        let output = self.run(&["--version"])?;
        if !output.status.success() {
            return Err(refused("tell its version", &output));
        }
        Ok(parse_version(&String::from_utf8_lossy(&output.stdout)).is_none_or(|version| version >= (2, 26)))
    }

    /// Every `credential.*` entry, in order.
    pub(crate) fn entries(&self, file: File) -> Result<Vec<Entry>, GitError> {
        let mut args = vec!["config", "--null", "--get-regexp", r"^credential\."];
        args.splice(1..1, file.option());
        let output = self.run(&args)?;
        match output.status.code() {
            Some(0) => Ok(parse_entries(&output.stdout)),
            // Nothing matches, or there is no such file.
            Some(1) => Ok(Vec::new()),
            _ => Err(refused("read its configuration", &output)),
        }
    }

    /// Adds one value after those a key has.
    pub(crate) fn add(&self, file: File, key: &str, value: &str) -> Result<(), GitError> {
        self.change(file, &["--add", key, value])
    }

    /// Replaces the one value of a key that is `old`.
    pub(crate) fn replace(&self, file: File, key: &str, old: &str, new: &str) -> Result<(), GitError> {
        self.change(file, &[key, new, &exactly(old)])
    }

    /// Removes the one value of a key that is `value`.
    pub(crate) fn remove(&self, file: File, key: &str, value: &str) -> Result<(), GitError> {
        self.change(file, &["--unset", key, &exactly(value)])
    }

    fn change(&self, file: File, how: &[&str]) -> Result<(), GitError> {
        let args: Vec<_> = ["config"].into_iter().chain(file.option()).chain(how.iter().copied()).collect();
        let output = self.run(&args)?;
        if output.status.success() { Ok(()) } else { Err(refused("change its configuration", &output)) }
    }

    fn run(&self, args: &[&str]) -> Result<Output, GitError> {
        let mut command = Command::new(&self.program);
        // Outside any repository, so that a repository's own configuration plays no part.
        command.args(args).current_dir("/").stdin(Stdio::null()).env_remove("GIT_DIR");
        if let Some(environment) = &self.environment {
            command.env_clear().envs(environment.iter().cloned());
        }
        command.output().map_err(GitError::Absent)
    }
}

fn refused(doing: &'static str, output: &Output) -> GitError {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    GitError::Refused { doing, said: shown(line) }
}

/// A pattern of git's (POSIX extended) that matches one value and no other.
fn exactly(value: &str) -> String {
    let mut pattern = String::from("^");
    for c in value.chars() {
        if r"\^$.[]|()*+?{}".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

fn parse_entries(output: &[u8]) -> Vec<Entry> {
    let text = String::from_utf8_lossy(output);
    text.split_terminator('\0')
        .map(|entry| {
            // A key without `=` stands for true and is printed without a value.
            let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            Entry { key: key.to_owned(), value: value.to_owned() }
        })
        .collect()
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix("git version ")?.split(['.', ' ', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_several_builders() {
        assert_eq!(parse_version("git version 2.39.5\n"), Some((2, 39)));
        assert_eq!(parse_version("git version 2.50.1 (Apple Git-155)\n"), Some((2, 50)));
        assert_eq!(parse_version("git version 2.47.1.windows.2\n"), Some((2, 47)));
        assert_eq!(parse_version("git version 2.55-rc0\n"), Some((2, 55)));
        assert_eq!(parse_version("hub version 2\n"), None);
    }

    #[test]
    fn entries_with_every_kind_of_value() {
        let entries = parse_entries(
            b"credential.helper\n\0credential.https://a.b.usehttppath\0credential.x.helper\n!a\nb\0",
        );
        let pairs: Vec<_> = entries.iter().map(|entry| (entry.address(), entry.value.as_str())).collect();
        assert_eq!(pairs, [(None, ""), (Some("https://a.b"), "true"), (Some("x"), "!a\nb")]);
    }
}
