//! The bare repositories, made when first asked for.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command, sync::Mutex};

/// Project and repository of every organisation.
pub(crate) const PROJECTS: &[(&str, &str)] =
    &[("Payments Platform", "Card Auth (v2).Service"), ("widgets", "widgets")];

/// One commit on `main`, the same in every run.
const SEED: &str = "commit refs/heads/main
committer Emulator <emulator@contoso.example> 1767225600 +0000
data 13
First commit

M 100644 inline README.md
data 26
Seeded by the emulator.
:)
";

/// Repositories below one temporary folder, and the git that serves them.
#[derive(Debug)]
pub(crate) struct Repositories {
    root: TempDir,
    exec_path: PathBuf,
    making: Mutex<()>,
}

impl Repositories {
    /// Finds git's own programs and an empty folder.
    pub(crate) async fn new(git: &Path) -> Result<Self> {
        let output = Command::new(git).arg("--exec-path").output().await.context("git is needed on PATH")?;
        if !output.status.success() {
            bail!("`git --exec-path` failed");
        }
        let exec_path = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        Ok(Self { root: tempfile::tempdir()?, exec_path, making: Mutex::new(()) })
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A git program with nothing of the caller's environment or configuration.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.exec_path.join(name));
        command
            .env_clear()
            .env("PATH", &self.exec_path)
            .env("HOME", self.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .kill_on_drop(true);
        command
    }

    /// The folder of a repository, relative to [`Self::root`]; `None` when there is no such repository.
    pub(crate) async fn open(
        &self,
        organisation: &str,
        project: &str,
        repository: &str,
    ) -> Result<Option<PathBuf>> {
        let known = PROJECTS.iter().position(|(known_project, known_repository)| {
            project.eq_ignore_ascii_case(known_project) && repository.eq_ignore_ascii_case(known_repository)
        });
        let Some(index) = known else { return Ok(None) };
        let relative = PathBuf::from(organisation).join(format!("{index}.git"));
        let _making = self.making.lock().await;
        let path = self.root().join(&relative);
        if !path.exists() {
            self.make(&path).await.with_context(|| format!("the repository {project}/{repository}"))?;
        }
        Ok(Some(relative))
    }

    async fn make(&self, path: &Path) -> Result<()> {
        let unfinished = path.with_extension("new");
        self.finish(
            self.program("git")
                .args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="])
                .arg(&unfinished),
            "",
        )
        .await?;
        self.finish(self.program("git").arg("-C").arg(&unfinished).args(["fast-import", "--quiet"]), SEED)
            .await?;
        tokio::fs::rename(&unfinished, path).await?;
        Ok(())
    }

    async fn finish(&self, command: &mut Command, input: &str) -> Result<()> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("git")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            bail!("git failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}
