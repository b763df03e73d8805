//! A server in a process of its own, ended by its id.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// How long a server may take to open its door, or to say anything it was asked for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A child that does not outlive this value.
#[derive(Debug)]
pub(super) struct Server(pub(super) Child);

impl Server {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().display().to_string();
        Ok(Self(command.spawn().with_context(|| format!("{program} does not start"))?))
    }

    /// Waits until `open` says so; an error when the server ends before.
    pub(super) fn wait_for(&mut self, mut open: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !open() {
            if let Some(status) = self.0.try_wait()? {
                bail!("it ended at once ({status})");
            }
            if Instant::now() > deadline {
                bail!("it opened no door within {} s", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports that nobody has at the moment, all different.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    for _ in 0..N {
        held.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    }
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

pub(super) fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
