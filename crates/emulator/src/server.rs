//! Listening, TLS, and the way of one request.

use std::{
    error::Error as _,
    fmt,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::server::Acceptor;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::LazyConfigAcceptor;

use crate::{
    answer::{Answer, SentBody},
    arm,
    call::Call,
    certificate::Servers,
    clock::Time,
    control, devops,
    fault::{self, Action},
    feeds, gallery,
    git::{self, Operation, Repositories, Service},
    host::Host,
    imds, journal, login, oidc, vssps,
    world::World,
};

/// More than any body of the two APIs or of a fetch negotiation here.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// The connection is to end without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aborted {
    /// As when a program ends: the system says goodbye for it.
    Closed,
    /// With a TCP reset.
    Reset,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was ended by a fault")
    }
}

impl std::error::Error for Aborted {}

/// What all connections share.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) repositories: Repositories,
    servers: Servers,
    /// Counts releases of held requests.
    gate: watch::Sender<u64>,
    held: watch::Sender<usize>,
}

impl Shared {
    pub(crate) async fn new(world: World, git: &Path, servers: Servers) -> Result<Self> {
        Ok(Self {
            world: Mutex::new(world),
            repositories: Repositories::new(git).await?,
            servers,
            gate: watch::Sender::new(0),
            held: watch::Sender::new(0),
        })
    }

    /// The world, locked. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh world from the same seed. The clock, switches and repositories stay.
    pub(crate) fn reset(&self) {
        let mut world = self.world();
        let fresh = world.fresh();
        *world = fresh;
    }

    /// Waits for the next [`Self::release`] after the gate was looked at.
    async fn hold(&self, mut gate: watch::Receiver<u64>) {
        let _held = Held::begin(&self.held);
        // The sender lives as long as `self`, so this ends by a release only.
        let _released = gate.changed().await;
    }

    pub(crate) fn release(&self) {
        self.gate.send_modify(|releases| *releases += 1);
    }

    /// Waits until at least this many requests are held.
    pub(crate) async fn holding(&self, count: usize) {
        // The sender lives as long as `self`, so this ends by the condition only.
        let mut held = self.held.subscribe();
        drop(held.wait_for(|held| *held >= count).await);
    }

    pub(crate) fn held(&self) -> usize {
        *self.held.borrow()
    }
}

/// A request that is held. One whose client goes away meanwhile is held no more.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|held| *held += 1);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

/// How a listener tells hosts apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    Only(Host),
    ByName,
}

/// Accepts connections until the runtime ends.
pub(crate) async fn listen(listener: TcpListener, door: Door, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, door, Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely; they come back as connections end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, door: Door, shared: Arc<Shared>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    if matches!(door, Door::Only(Host::Imds)) {
        let service = service_fn(|request| handle(Arc::clone(&shared), door, request));
        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        return;
    }
    let Ok(hello) = LazyConfigAcceptor::new(Acceptor::default(), stream).await else { return };
    let host = match door {
        Door::Only(host) => host,
        Door::ByName => Host::of_name(hello.client_hello().server_name().unwrap_or_default()),
    };
    let certificate = shared.world().certificates.get(&host).copied().unwrap_or_default();
    let Ok(stream) = hello.into_stream(shared.servers.showing(certificate)).await else { return };
    let service = service_fn(|request| handle(Arc::clone(&shared), door, request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Clients that hang up and faults that abort are both everyday here.
    if let Err(error) = Pin::new(&mut connection).await
        && error.source().and_then(|cause| cause.downcast_ref()) == Some(&Aborted::Reset)
    {
        let stream = connection.into_parts().io.into_inner();
        drop(stream.get_ref().0.set_zero_linger());
    }
}

async fn handle(
    shared: Arc<Shared>,
    door: Door,
    request: Request<Incoming>,
) -> Result<Response<SentBody>, Aborted> {
    let (parts, body) = request.into_parts();
    let mut call = Call::new(Host::Login, parts);
    let host = match door {
        Door::Only(host) => host,
        Door::ByName => Host::of_name(&call.authority),
    };
    call = call.at(host);
    let mut body = Some(body);
    if !is_push(&call)
        && let Some(whole) = body.take()
    {
        match Limited::new(whole, LARGEST_BODY).collect().await {
            Ok(whole) => call.body = whole.to_bytes(),
            Err(_) => return Ok(Answer::empty(413).into_response(&date(&shared))),
        }
    }
    let sequence = journal::begin(&mut shared.world(), &call);
    let redemption = Redemption::begin(&shared, &call);
    let (action, gate) = {
        let mut world = shared.world();
        // Both at once: who takes the faults away and then releases what is held has released this request, too.
        (fault::take(&mut world, &call), shared.gate.subscribe())
    };
    let answer = match action {
        Some(action) => {
            shared.world().journal.note_fault(sequence, format!("{action:?}"));
            if matches!(action, Action::Hold) {
                shared.hold(gate).await;
            }
            fault::apply(&shared, action, &call, body).await
        }
        None => Ok(dispatch(&shared, &call, body).await),
    };
    drop(redemption);
    let answer = answer?;
    journal::end(&mut shared.world(), sequence, &answer);
    journal::keep(&mut shared.world(), sequence, &call, &answer);
    Ok(answer.into_response(&date(&shared)))
}

/// Pushes are streamed to git; everything else is read first.
fn is_push(call: &Call) -> bool {
    call.host == Host::Dev
        && git::parse(call).is_some_and(|request| {
            request.operation == Operation::Call && request.service == Service::ReceivePack
        })
}

/// Hands the request to its host.
pub(crate) async fn dispatch(shared: &Arc<Shared>, call: &Call, body: Option<Incoming>) -> Answer {
    match call.host {
        Host::Login => login::handle(shared, call),
        Host::Vssps => vssps::handle(shared, call),
        Host::Dev => devops::handle(shared, call, body).await,
        Host::Pkgs => feeds::handle(shared, call),
        Host::Nuget => gallery::handle(shared, call),
        Host::Arm => arm::handle(&shared.world(), call),
        Host::Imds => imds::handle(&mut shared.world(), call),
        Host::Oidc => oidc::handle(&mut shared.world(), call),
        Host::Evil => control::evil(shared, call),
        Host::Ctl => control::http(shared, call),
    }
}

fn date(shared: &Shared) -> String {
    let world = shared.world();
    let skewed: Time = world.now().plus(world.switches.date_skew);
    skewed.http_date()
}

/// A refresh token on its way through the token endpoint.
struct Redemption<'a> {
    shared: &'a Shared,
    key: Option<String>,
}

impl<'a> Redemption<'a> {
    fn begin(shared: &'a Shared, call: &Call) -> Self {
        let mut world = shared.world();
        let form = call.form();
        let token = (call.host == Host::Login).then(|| form.get("refresh_token")).flatten();
        let key = token.and_then(|token| world.refresh_tokens.get(token)).map(|token| {
            let tenant = call.segments.first().map_or("", String::as_str);
            format!("application {}, user {}, tenant {tenant}", token.client_id, token.user)
        });
        if let Some(key) = &key {
            world.journal.begin_redemption(key);
        }
        drop(world);
        Self { shared, key }
    }
}

impl Drop for Redemption<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.shared.world().journal.end_redemption(key);
        }
    }
}
