//! What NuGet says: whatever needs no key is answered here and now.

use std::{
    fmt,
    io::BufRead,
    sync::{Arc, Mutex, PoisonError},
};

use valetkey_client::Processes;
use valetkey_protocol::ProxyCredentials;

use crate::{
    clerk::Question,
    desk::Desk,
    lines::Lines,
    source::{Source, Whose},
    staff::Staff,
    trace::Trace,
    wire::{self, Kind, Message, Method},
};

/// The process that is to be outlived by nobody: its id, and when it started.
pub(crate) type Watched = Arc<Mutex<Option<(u32, u64)>>>;

/// What NuGet shows its own proxy.
pub(crate) type Lent = Arc<Mutex<Option<ProxyCredentials>>>;

/// The side that listens to NuGet.
pub(crate) struct Reader {
    pub(crate) desk: Arc<Desk>,
    pub(crate) staff: Staff,
    pub(crate) processes: Arc<dyn Processes + Send + Sync>,
    pub(crate) watched: Watched,
    pub(crate) lent: Lent,
    pub(crate) trace: Trace,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Listens until NuGet closes the conversation or its end of the pipe.
    pub(crate) fn listen(&mut self, from: impl BufRead) {
        let mut lines = Lines::new(from);
        // A stream that cannot be read has ended.
        while let Ok(Some(line)) = lines.next_line() {
            let Some(message) = Message::decode(&line) else {
                self.trace.note("not understood");
                continue;
            };
            self.trace.received(&message);
            match (message.kind, message.method) {
                (Kind::Request, Method::Close) => return,
                (Kind::Request, _) => self.request(&message),
                (Kind::Cancel, _) => self.desk.cancel(&message.id),
                // Answers to our own questions change nothing.
                (Kind::Response | Kind::Progress | Kind::Fault, _) => {}
            }
        }
    }

    fn request(&mut self, message: &Message) {
        let handshake;
        let payload = match message.method {
            Method::Handshake => {
                handshake = wire::handshake(message);
                &handshake
            }
            Method::MonitorNuGetProcessExit => {
                self.watch(message);
                wire::SUCCESS
            }
            Method::Initialize => wire::SUCCESS,
            Method::SetCredentials => {
                self.borrow(message);
                wire::SUCCESS
            }
            // A list without `Authentication` would be kept for a month, in which this program is not even started.
            Method::GetOperationClaims if message.text("PackageSourceRepository").is_none() => wire::CLAIMS,
            Method::GetOperationClaims => wire::NO_CLAIMS,
            Method::SetLogLevel => {
                self.desk.may_log();
                wire::SUCCESS
            }
            Method::GetAuthenticationCredentials => match question(message) {
                Some(question) => return self.staff.take(question),
                None => wire::ERROR,
            },
            // Nothing else was claimed.
            _ => wire::ERROR,
        };
        self.desk.answer(message.method, &message.id, payload);
    }

    /// The credentials of a proxy are for the network, which is the agent's business: it gets them with the next
    /// question. Those of the source are never set.
    fn borrow(&self, message: &Message) {
        if let (Some(username), Some(password)) =
            (message.text("ProxyUsername"), message.text("ProxyPassword"))
        {
            let lent = ProxyCredentials { username: username.into(), password: password.into() };
            *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = Some(lent);
        }
    }

    fn watch(&self, message: &Message) {
        let id = message.payload.get("ProcessId").and_then(serde_json::Value::as_u64);
        // A process that cannot be seen cannot be seen to end either.
        let watched = id.and_then(|id| {
            let id = u32::try_from(id).ok()?;
            Some((id, self.processes.started(id)?))
        });
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = watched;
    }
}

/// The question, if it may be one for us.
fn question(message: &Message) -> Option<Question> {
    let address = message.text("Uri")?;
    let source = Source::parse(address).filter(|source| source.whose != Whose::NotOurs)?;
    Some(Question {
        id: message.id.clone(),
        address: address.to_owned(),
        source,
        is_retry: message.is("IsRetry"),
        // Who does not say that a person is there is not asked one.
        may_ask: message.payload.get("IsNonInteractive").and_then(serde_json::Value::as_bool) == Some(false),
        may_show: message.is("CanShowDialog"),
    })
}
