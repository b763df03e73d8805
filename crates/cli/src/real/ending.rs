//! Wishes to end: Ctrl-C and its like, held while a value is on its way.

#[cfg(unix)]
pub(super) use unix::{Held, heard};

#[cfg(not(unix))]
pub(super) use other::Held;

#[cfg(unix)]
mod unix {
    use std::{
        fs, io,
        process::{Command, ExitStatus},
        sync::{Arc, atomic::AtomicBool},
    };

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::{
        consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM},
        flag,
        iterator::Signals,
        low_level,
    };

    /// The wishes. A terminal tells all but the last to every program in the foreground at once.
    const WISHES: [i32; 4] = [SIGINT, SIGQUIT, SIGHUP, SIGTERM];

    /// From when this is made, wishes to end are for the program that is run.
    pub(in crate::real) struct Held {
        wishes: Vec<i32>,
        signals: Signals,
        wish: Option<i32>,
    }

    impl Held {
        pub(in crate::real) fn new() -> io::Result<Self> {
            let wishes = heard();
            let signals = Signals::new(wishes.iter().chain([&SIGCHLD]))?;
            Ok(Self { wishes, signals, wish: None })
        }

        /// Runs a program to its end, whoever wishes for that of this one.
        pub(in crate::real) fn run(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
            self.note();
            if self.wish.is_some() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted before it started"));
            }
            let mut child = command.spawn()?;
            loop {
                if let Some(status) = child.try_wait()? {
                    self.note();
                    return Ok(status);
                }
                for signal in self.signals.wait() {
                    if signal == SIGCHLD {
                        continue;
                    }
                    self.wish = Some(signal);
                    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                    if let (SIGTERM, Some(pid)) = (signal, pid) {
                        let _ = kill_process(pid, Signal::TERM);
                    }
                }
            }
        }

        /// The first wish from here on is held as before, the second is granted.
        pub(in crate::real) fn let_go(&self) {
            let again = Arc::new(AtomicBool::new(false));
            for wish in &self.wishes {
                // In this order: the one that sets it does not see it set.
                let _ = flag::register_conditional_default(*wish, Arc::clone(&again));
                let _ = flag::register(*wish, Arc::clone(&again));
            }
        }

        /// Ends as was wished for, if anybody did, so that the shell that started this sees it and stops too.
        pub(in crate::real) fn grant(mut self) {
            self.note();
            if let Some(wish) = self.wish {
                let _ = low_level::emulate_default_handler(wish);
            }
        }

        fn note(&mut self) {
            self.wish = self.signals.pending().filter(|it| *it != SIGCHLD).last().or(self.wish);
        }
    }

    /// The wishes, without those that whoever started this wants it to hear nothing of, as `nohup` does. Handling them
    /// would take that from the programs that are run, too.
    pub(in crate::real) fn heard() -> Vec<i32> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        WISHES.into_iter().filter(|wish| !ignores(&status, *wish)).collect()
    }

    /// proc_pid_status(5): a mask in hexadecimal, whose lowest bit is signal 1.
    fn ignores(status: &str, signal: i32) -> bool {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask >> (signal - 1) & 1 == 1
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_is_read_from_the_mask() {
            // nohup: signal 1, and Rust's own: signal 13.
            let status = "Name:\tvaletkey\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
            assert!(ignores(status, SIGHUP) && !ignores(status, SIGINT) && !ignores(status, SIGTERM));
            assert!(!ignores("", SIGHUP) && !ignores("SigIgn:\tx\n", SIGHUP));
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::{
        io,
        process::{Command, ExitStatus},
    };

    /// Nothing is held here.
    pub(in crate::real) struct Held;

    impl Held {
        pub(in crate::real) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::real) fn run(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
            command.status()
        }

        pub(in crate::real) fn let_go(&self) {}

        pub(in crate::real) fn grant(self) {}
    }
}
