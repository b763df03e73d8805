//! A file of lines that does not grow for ever.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::transport::Identity;

/// Appends lines to a file of mode 0600; at a size it becomes `<name>.1`, replacing the last one of that name. A file
/// that was removed or moved by others is made anew.
#[derive(Debug)]
pub(crate) struct Rotating {
    path: PathBuf,
    cap: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
}

impl Rotating {
    /// Nothing is opened before the first line. `cap` is in bytes.
    pub(crate) fn new(path: PathBuf, cap: u64) -> Self {
        Self { path, cap, open: None }
    }

    /// Where the lines before the current file's are.
    pub(crate) fn older(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".1");
        name.into()
    }

    /// Writes one line, which brings its own line feed.
    pub(crate) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        let mut open = self.current()?;
        if open.size > 0 && open.size + length > self.cap {
            drop(open);
            std::fs::rename(&self.path, Self::older(&self.path))?;
            open = self.current()?;
        }
        open.file.write_all(line)?;
        open.size += length;
        // Kept only after success: a half-written line is repaired when the file is opened anew.
        self.open = Some(open);
        Ok(())
    }

    fn current(&mut self) -> io::Result<Open> {
        if let Some(open) = self.open.take()
            && Identity::of(&self.path)
                .is_ok_and(|at| open.file.metadata().is_ok_and(|it| Identity::from(&it) == at))
        {
            return Ok(open);
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed())
            .open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut open = Open { file, size: metadata.len() };
        open.end_half_line()?;
        Ok(open)
    }
}

impl Open {
    fn end_half_line(&mut self) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        let mut last = [b'\n'];
        if self.size > 0 {
            self.file.read_exact_at(&mut last, self.size - 1)?;
        }
        if last != [b'\n'] {
            self.file.write_all(b"\n")?;
            self.size += 1;
        }
        Ok(())
    }
}

/// For a log: a line that cannot be written is dropped.
impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn it_turns_over_at_its_size_and_loses_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = Rotating::new(path.clone(), 30);
        for number in 0..5 {
            file.append(format!("line {number} ok\n").as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "line 3 ok\nline 4 ok\n");
        let older = fs::read_to_string(dir.path().join("log.1")).unwrap();
        assert_eq!(older, "line 0 ok\nline 1 ok\nline 2 ok\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_removed_file_is_made_anew_and_a_half_line_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = Rotating::new(path.clone(), 1000);
        file.append(b"gone\n").unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "half").unwrap();
        file.append(b"whole\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "half\nwhole\n");
    }

    #[test]
    fn neither_a_link_nor_a_device_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert!(Rotating::new(path, 10).append(b"x\n").is_err());
        assert!(Rotating::new("/dev/null".into(), 10).append(b"x\n").is_err());
    }
}
