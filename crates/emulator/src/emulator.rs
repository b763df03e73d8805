//! Starting and stopping.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    certificate::{Servers, Tls},
    control::Control,
    host::{Host, Urls},
    options::Options,
    server::{Door, Shared, listen},
    world::World,
};

/// A running emulator. Dropping it ends every connection, hanging ones too.
pub struct Emulator {
    urls: Urls,
    ca_pem: String,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts on loopback. It runs on threads of its own, so tests with and without a runtime can use it.
    /// Fails when git is not found, or in sealed mode when the address cannot be had.
    pub fn start(options: Options) -> Result<Self> {
        let (started, starting) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let tls = Tls::generate()?;
        let ca_pem = tls.ca_pem.clone();
        let thread = thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    drop(started.send(Err(error.into())));
                    return;
                }
            };
            let outcome = runtime.block_on(open(options, tls.servers));
            if started.send(outcome).is_ok() {
                // Either an order to stop, or the handle is gone; both mean the same.
                drop(runtime.block_on(stopped));
            }
            runtime.shutdown_timeout(Duration::from_secs(1));
        })?;
        let (urls, shared) = starting.recv().context("the emulator's thread ended early")??;
        let control = Control::new(shared);
        Ok(Self { urls, ca_pem, control, stop: Some(stop), thread: Some(thread) })
    }

    /// Where the hosts answer.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The throw-away authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The tests' hand; it may be cloned and outlive nothing.
    pub fn control(&self) -> &Control {
        &self.control
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("urls", &self.urls).finish_non_exhaustive()
    }
}

async fn open(options: Options, servers: Servers) -> Result<(Urls, Arc<Shared>)> {
    let mut doors = Vec::new();
    let urls = if let Some(address) = options.sealed {
        let all = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        let address = all.local_addr()?;
        doors.push((all, Door::ByName));
        let ports = open_each(&[Host::Imds, Host::Oidc, Host::Ctl], &mut doors).await?;
        Urls::sealed(address, |host| port_of(&ports, host))
    } else {
        let ports = open_each(&Host::ALL, &mut doors).await?;
        Urls::by_port(|host| port_of(&ports, host))
    };
    for address in options.metadata {
        let more = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        doors.push((more, Door::Only(Host::Imds)));
    }
    let world = World::new(options.seed, options.clock, options.switches, urls.clone(), options.sign_in_as);
    let git = options.git.unwrap_or_else(|| PathBuf::from("git"));
    let shared = Arc::new(Shared::new(world, &git, servers).await?);
    for (listener, door) in doors {
        tokio::spawn(listen(listener, door, Arc::clone(&shared)));
    }
    Ok((urls, shared))
}

/// A port of its own for each host.
async fn open_each(hosts: &[Host], doors: &mut Vec<(TcpListener, Door)>) -> Result<Vec<(Host, u16)>> {
    let mut ports = Vec::new();
    for &host in hosts {
        let listener = loopback().await?;
        ports.push((host, listener.local_addr()?.port()));
        doors.push((listener, Door::Only(host)));
    }
    Ok(ports)
}

fn port_of(ports: &[(Host, u16)], host: Host) -> u16 {
    ports.iter().find(|(known, _)| *known == host).map_or(0, |(_, port)| *port)
}

async fn loopback() -> Result<TcpListener> {
    Ok(TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?)
}
