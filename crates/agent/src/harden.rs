//! What the process does to itself before it reads anything secret.

use std::{io, panic};

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit},
};

/// Descriptors the agent would like to have.
const DESCRIPTORS: u64 = 4096;

/// New files are the owner's only, no other process of the user can read this one's memory, and no core is written.
pub fn harden() -> io::Result<()> {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Raises the number of files this process may open, and tells what it is now.
pub fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    let wanted = DESCRIPTORS.min(maximum.unwrap_or(DESCRIPTORS));
    match current {
        Some(current) if current < wanted => {
            let raised = Rlimit { current: Some(wanted), maximum };
            rustix::process::setrlimit(Resource::Nofile, raised).map_or(current, |()| wanted)
        }
        Some(current) => current,
        None => DESCRIPTORS,
    }
}

/// A panic is logged by its place. Its text is not: it may hold what was being worked on.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
