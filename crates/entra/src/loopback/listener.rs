//! Listens on loopback for the one redirect that is ours, and survives everything else.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use valetkey_protocol::{SecretString, same_secret};

use super::{
    Outcome, Page,
    request::{Asked, parse},
};
use crate::{SignInError, SignInErrorKind};

/// The longest head of a request, in bytes. Entra's codes have some two thousand.
const MAX_HEAD: usize = 16 * 1024;
/// The longest time for one head, and for one page to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 32;

/// One port on 127.0.0.1 and, where the machine has it, ::1.
#[derive(Debug)]
pub(crate) struct Listener {
    v4: TcpListener,
    v6: Option<TcpListener>,
    port: u16,
}

impl Listener {
    /// Binds a free port. `localhost` may mean either address, so a port that somebody else has on ::1 is no use.
    pub(crate) async fn bind() -> Result<Self, SignInError> {
        let failed = |error: std::io::Error| {
            let sentence = format!("no port on 127.0.0.1 can be opened: {}", error.kind());
            SignInError::new(SignInErrorKind::Misconfigured, sentence, "run `valetkey login --device-code`")
        };
        let mut last = ErrorKind::AddrInUse.into();
        for _ in 0..16 {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
            let port = v4.local_addr().map_err(failed)?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(v6) => return Ok(Self { v4, v6: Some(v6), port }),
                Err(error) if error.kind() == ErrorKind::AddrInUse => last = error,
                Err(_) => return Ok(Self { v4, v6: None, port }),
            }
        }
        Err(failed(last))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Begins to answer. The first redirect with this state is the hit; all that follow are told it is over.
    pub(crate) fn serve(self, state: SecretString) -> Server {
        let (found, hits) = mpsc::channel(1);
        let shared = Arc::new(Shared { state, port: self.port, taken: AtomicBool::new(false), found });
        let task = tokio::spawn(accept(self, shared)).abort_handle();
        Server { hits, task }
    }
}

/// The listener at work; stops when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    hits: mpsc::Receiver<(Outcome, Browser)>,
    task: AbortHandle,
}

impl Server {
    /// Waits for the redirect.
    pub(crate) async fn hit(&mut self) -> Option<(Outcome, Browser)> {
        self.hits.recv().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The browser that came with the redirect and waits for its page.
#[derive(Debug)]
pub(crate) struct Browser {
    page: oneshot::Sender<Page>,
    written: oneshot::Receiver<()>,
}

impl Browser {
    /// Shows the page, and waits until the browser has it or has gone.
    pub(crate) async fn show(self, page: Page) {
        if self.page.send(page).is_ok() {
            let _ = timeout(PATIENCE, self.written).await;
        }
    }
}

struct Shared {
    state: SecretString,
    port: u16,
    taken: AtomicBool,
    found: mpsc::Sender<(Outcome, Browser)>,
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.v4.accept() => accepted,
            accepted = accept_v6(listener.v6.as_ref()) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, Arc::clone(&shared)));
            }
            // Out of descriptors, most likely: wait for some to come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn accept_v6(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, std::net::SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    let Ok(Some(head)) = timeout(PATIENCE, read_head(&mut stream)).await else { return };
    let page = match parse(&head, shared.port) {
        Asked::Redirect { state, outcome } => {
            if same_secret(&SecretString::from(state), &shared.state) {
                return finish(stream, outcome, &shared).await;
            }
            Page::foreign()
        }
        Asked::Bad => Page::foreign(),
        Asked::NotFound => Page::not_found(),
        Asked::WrongMethod => Page::wrong_method(),
    };
    write(&mut stream, &page).await;
}

/// Hands the redirect over and lets the browser wait for what becomes of it.
async fn finish(mut stream: TcpStream, outcome: Outcome, shared: &Shared) {
    if shared.taken.swap(true, Ordering::SeqCst) {
        return write(&mut stream, &Page::already_used()).await;
    }
    let ((page, shown), (done, written)) = (oneshot::channel(), oneshot::channel());
    if shared.found.send((outcome, Browser { page, written })).await.is_ok()
        && let Ok(page) = shown.await
    {
        write(&mut stream, &page).await;
    }
    let _ = done.send(());
}

async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut head, mut chunk) = (Vec::new(), [0; 2048]);
    loop {
        let read = stream.read(&mut chunk).await.ok()?;
        head.extend_from_slice(&chunk[..read]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            head.truncate(end + 4);
            return Some(head);
        }
        if read == 0 || head.len() > MAX_HEAD {
            return None;
        }
    }
}

async fn write(stream: &mut TcpStream, page: &Page) {
    let _ = timeout(PATIENCE, async {
        stream.write_all(page.response().as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
}
