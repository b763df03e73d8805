//! What a client leaves behind: files outside its home, processes that go on.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

/// The temporary folder of programs that do not ask for another.
const SHARED: &str = "/tmp";

/// What .NET keeps there whatever `TMPDIR` says: its named locks.
const DOTNET: &str = "/tmp/.dotnet";

/// How long the programs that a client started may take to notice that it is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// The temporary folder before a client was started.
#[derive(Debug)]
pub struct Before(BTreeSet<PathBuf>);

impl Before {
    /// As it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn now() -> Result<Self> {
        Ok(Self(files()?))
    }

    /// Nothing has been added to it since.
    ///
    /// # Errors
    /// When something has.
    pub fn is_as_it_was(&self) -> Result<()> {
        let mut added = files()?;
        added.retain(|file| !self.0.contains(file) && file != Path::new(DOTNET));
        ensure!(added.is_empty(), "the client left behind: {added:?}");
        Ok(())
    }
}

fn files() -> Result<BTreeSet<PathBuf>> {
    Ok(fs::read_dir(SHARED)?.flatten().map(|entry| entry.path()).collect())
}

/// Waits until no process is at home there any more.
///
/// # Errors
/// When one outlives its patience.
pub fn nobody_at(home: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let alive = at_home(home)?;
        if alive.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "still running: {alive:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Processes whose HOME is this folder: number and command line.
fn at_home(home: &Path) -> Result<Vec<String>> {
    let wanted = format!("HOME={}", home.display());
    let alive = fs::read_dir("/proc")?.flatten().filter_map(|entry| {
        let folder = entry.path();
        let environment = fs::read(folder.join("environ")).ok()?;
        environment.split(|byte| *byte == 0).find(|variable| *variable == wanted.as_bytes())?;
        let line = fs::read(folder.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        Some(format!("{} {}", entry.file_name().display(), line.trim_end()))
    });
    Ok(alive.collect())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_process_is_found_by_its_home() {
        let home = tempfile::tempdir().expect("folder");
        let mut cat = Command::new("cat")
            .env("HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat starts");
        let (mut input, mut output) = (cat.stdin.take().expect("stdin"), cat.stdout.take().expect("stdout"));
        // A process that has just been started has no environment to be seen until its program runs.
        input.write_all(b"x").expect("cat reads");
        output.read_exact(&mut [0]).expect("cat writes");
        let found = at_home(home.path()).expect("/proc");
        assert!(matches!(&found[..], [one] if one.ends_with(" cat")), "{found:?}");
        drop(input);
        cat.wait().expect("cat ends");
        nobody_at(home.path()).expect("nobody");
    }
}
