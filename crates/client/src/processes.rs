//! The processes above this one, as Linux shows them. Elsewhere nothing is known of them, and nothing depends on it.

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The process that started it.
    pub parent: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
    /// Its command line.
    pub arguments: Vec<String>,
}

/// Somebody who knows processes.
pub trait Processes {
    /// The process that started this one.
    fn parent(&self) -> Option<u32>;

    /// The process with this id.
    fn process(&self, id: u32) -> Option<Process>;

    /// When the process with this id started, in clock ticks since boot.
    fn started(&self, id: u32) -> Option<u64> {
        self.process(id).map(|process| process.started)
    }

    /// The command line of the process with this id.
    fn arguments(&self, id: u32) -> Option<Vec<String>> {
        self.process(id).map(|process| process.arguments)
    }
}

/// The processes of this machine.
#[derive(Debug)]
pub struct SystemProcesses;

impl Processes for SystemProcesses {
    #[cfg(unix)]
    fn parent(&self) -> Option<u32> {
        Some(std::os::unix::process::parent_id())
    }

    #[cfg(not(unix))]
    fn parent(&self) -> Option<u32> {
        None
    }

    #[cfg(target_os = "linux")]
    fn process(&self, id: u32) -> Option<Process> {
        let (parent, started) = linux::parent_and_start(id)?;
        Some(Process { parent, started, arguments: self.arguments(id)? })
    }

    #[cfg(target_os = "linux")]
    fn started(&self, id: u32) -> Option<u64> {
        linux::parent_and_start(id).map(|(_, started)| started)
    }

    #[cfg(target_os = "linux")]
    fn arguments(&self, id: u32) -> Option<Vec<String>> {
        Some(linux::arguments(&linux::read(&format!("/proc/{id}/cmdline"))?))
    }

    #[cfg(not(target_os = "linux"))]
    fn process(&self, _: u32) -> Option<Process> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs::File, io::Read as _};

    /// A command line can have megabytes; the subcommand comes early.
    const MAX_READ: u64 = 16 * 1024;
    /// What is there fits mostly, so that it is read at once: the kernel tells no size beforehand.
    const USUAL: usize = 2 * 1024;

    pub(super) fn read(path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(USUAL);
        File::open(path).ok()?.take(MAX_READ).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    pub(super) fn parent_and_start(id: u32) -> Option<(u32, u64)> {
        fields(&String::from_utf8_lossy(&read(&format!("/proc/{id}/stat"))?))
    }

    /// Fields 4 and 22 of `/proc/PID/stat` (proc(5)). The name in field 2 may hold spaces and brackets. A process that
    /// has ended with its last thread and that nobody has asked after is gone, whatever is still to be read of it.
    fn fields(stat: &str) -> Option<(u32, u64)> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let threads: u32 = fields.nth(15)?.parse().ok()?;
        let started = fields.nth(1)?.parse().ok()?;
        (state != "Z" || threads > 1).then_some((parent, started))
    }

    pub(super) fn arguments(command_line: &[u8]) -> Vec<String> {
        let command_line = command_line.strip_suffix(b"\0").unwrap_or(command_line);
        command_line.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_brackets_does_not_shift_the_fields() {
            let stat = "42 (a) R (b) S 7 42 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 99 1";
            assert_eq!(fields(stat), Some((7, 123_456)));
            let ended = stat.replace(" S ", " Z ");
            assert_eq!(fields(&ended), None);
            assert_eq!(
                fields(&ended.replace(" 20 0 1 0 ", " 20 0 2 0 ")),
                Some((7, 123_456)),
                "its first thread only"
            );
            assert_eq!(fields("42 (a"), None);
            assert_eq!(fields("42 (a) S 7 42"), None);
        }

        #[test]
        fn this_test_finds_itself() {
            use crate::{Processes as _, SystemProcesses};
            let me = SystemProcesses.process(std::process::id()).unwrap();
            assert_eq!(Some(me.parent), SystemProcesses.parent());
            assert_eq!(me.arguments[0], std::env::args().next().unwrap());
            assert!(me.started > 0);
        }
    }
}
