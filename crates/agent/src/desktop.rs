//! Notifications on the person's desktop.
//!
//! Whatever the desktop does, the agent goes on: it is spoken to on a thread of its own, which is begun when there is
//! something to say, and which a message bus that does not answer may hold for ever.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};
use valetkey_broker::{Doorbell, Pending, Summons};

use crate::{configuration::Live, terminal::has_terminal};

/// How long one notification may take until it counts as not seen.
const DEADLINE: Duration = Duration::from_secs(10);
/// A desktop that showed nothing is left alone for this long: asking it may have a program started in vain.
const PAUSE: Duration = Duration::from_secs(15);
/// Notifications that may wait behind one that hangs.
const WAITING: usize = 4;

/// The desktop, if there is one.
#[derive(Debug)]
pub(crate) struct Desktop {
    configuration: Arc<Live>,
    thread: Mutex<Option<SyncSender<Call>>>,
    failed: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Call {
    summons: Summons,
    shown: oneshot::Sender<bool>,
}

impl Desktop {
    pub(crate) fn new(configuration: Arc<Live>) -> Self {
        Self { configuration, thread: Mutex::default(), failed: Mutex::default() }
    }

    fn is_left_alone(&self) -> bool {
        held(&self.failed).is_some_and(|failed| failed.elapsed() < PAUSE)
    }

    fn hand_over(&self, call: Call) -> bool {
        let mut thread = held(&self.thread);
        if thread.is_none() {
            let (sender, calls) = sync_channel(WAITING);
            let begun = thread::Builder::new().name("desktop".to_owned()).spawn(move || attend(&calls));
            *thread = begun.is_ok().then_some(sender);
        }
        thread.as_ref().is_some_and(|thread| thread.try_send(call).is_ok())
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Doorbell for Desktop {
    fn has_terminal(&self, pid: u32) -> bool {
        has_terminal(pid)
    }

    fn ring(&self, summons: Summons) -> Pending<'_, bool> {
        Box::pin(async move {
            if !self.configuration.current().agent.notify || self.is_left_alone() {
                return false;
            }
            let (shown, seen) = oneshot::channel();
            let reached = self.hand_over(Call { summons, shown })
                && matches!(timeout(DEADLINE, seen).await, Ok(Ok(true)));
            *held(&self.failed) = (!reached).then(Instant::now);
            reached
        })
    }
}

fn attend(calls: &Receiver<Call>) {
    for Call { summons, shown } in calls {
        // Who rang does not wait any more, and may have rung again.
        let stale = || shown.is_closed();
        if stale() {
            continue;
        }
        let outcome = bus::show(&summons, &stale);
        if let Err(why) = &outcome {
            tracing::debug!("no notification: {why}");
        }
        let _ = shown.send(outcome.is_ok());
    }
}

/// freedesktop.org: "Desktop Notifications Specification".
#[cfg(all(unix, not(target_os = "macos")))]
mod bus {
    use std::{collections::HashMap, time::Duration};

    use valetkey_broker::Summons;
    use zbus::{
        blocking::{Connection, connection::Builder},
        zvariant::{DynamicType, Value},
    };

    const SERVICE: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";
    /// How long one question to the desktop may take. Its service may have to be started for it.
    const PATIENCE: Duration = Duration::from_secs(5);
    /// As long as the desktop likes.
    const EXPIRES: i32 = -1;
    const NORMAL: u8 = 1;

    /// Shows it, unless that has become stale by the time the desktop answers.
    pub(super) fn show(summons: &Summons, stale: &dyn Fn() -> bool) -> zbus::Result<()> {
        // Only for this: what is rare needs no connection that stays.
        let bus = Builder::session()?.method_timeout(PATIENCE).build()?;
        let able: Vec<String> = ask(&bus, "GetCapabilities", &())?.body().deserialize()?;
        let marked_up = able.iter().any(|it| it == "body-markup");
        if stale() {
            return Err(zbus::Error::Failure("it came too late".to_owned()));
        }
        let (title, text) = super::words(summons, marked_up);
        let hints = HashMap::from([("urgency", Value::U8(NORMAL))]);
        let nothing: Vec<&str> = Vec::new();
        let body = ("Valetkey", 0_u32, "dialog-password", title, text, nothing, hints, EXPIRES);
        ask(&bus, "Notify", &body).map(drop)
    }

    fn ask<B: serde::Serialize + DynamicType>(
        bus: &Connection,
        method: &str,
        body: &B,
    ) -> zbus::Result<zbus::Message> {
        bus.call_method(Some(SERVICE), PATH, Some(SERVICE), method, body)
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod bus {
    pub(super) fn show(_summons: &super::Summons, _stale: &dyn Fn() -> bool) -> Result<(), &'static str> {
        Err("this system has no notifications that are known here")
    }
}

/// Title and text. A desktop that knows markup must not see any.
#[cfg_attr(target_os = "macos", expect(dead_code, reason = "nothing shows it"))]
fn words(summons: &Summons, marked_up: bool) -> (String, String) {
    let Summons { account, refusal } = summons;
    let title = format!("Valetkey: no new keys for {}", valetkey_protocol::shown(account));
    let (sentence, hint) =
        (valetkey_protocol::shown(&refusal.sentence), valetkey_protocol::shown_hint(&refusal.hint));
    let text = if hint.is_empty() { sentence } else { format!("{sentence}\n{hint}") };
    let escaped = || text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    (title, if marked_up { escaped() } else { text.clone() })
}

#[cfg(test)]
mod tests {
    use valetkey_protocol::{Reason, Refusal};

    use super::*;

    #[test]
    fn what_a_service_said_is_no_markup_and_one_line() {
        let refusal = Refusal::new(Reason::NeedsLogin, "it said <b>\nyes</b> & no", "run `valetkey login`");
        let summons = Summons { account: "alice@contoso.example".to_owned(), refusal };
        let (title, plain) = words(&summons, false);
        assert_eq!(title, "Valetkey: no new keys for alice@contoso.example");
        assert_eq!(plain, "it said <b>\u{fffd}yes</b> & no\nrun `valetkey login`");
        let (_, escaped) = words(&summons, true);
        assert_eq!(escaped, "it said &lt;b&gt;\u{fffd}yes&lt;/b&gt; &amp; no\nrun `valetkey login`");
    }
}
