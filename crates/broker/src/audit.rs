//! Audit lines: one for each thing that was done or refused.

use valetkey_protocol::{AuditRecord, Refusal, shown};

use crate::{AuditSink, Broker, Clock, ledger::Entry};

/// Who asked. A hint for the audit trail, never a right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Process id.
    pub pid: u32,
    /// User id.
    pub uid: u32,
    /// The program, as far as known.
    pub exe: String,
    /// Whether it passes on what it is told to a person, if one is there.
    pub is_read: bool,
}

impl Peer {
    fn line(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        format!("pid {} uid {} {}", self.pid, self.uid, valetkey_protocol::shown(&self.exe))
            .trim_end()
            .to_owned()
    }
}

/// A record with its time and event.
pub(crate) fn record(clock: &dyn Clock, event: &str) -> AuditRecord {
    AuditRecord { time: rfc3339(clock.now()), event: event.to_owned(), ..AuditRecord::default() }
}

/// Fills a record a bit at a time.
pub(crate) trait Filled: Sized {
    fn by(self, peer: &Peer) -> Self;
    fn of_key(self, entry: &Entry, username: &str) -> Self;
    fn of_pat(self, entry: &Entry, broker: &Broker) -> Self;
    fn because(self, refusal: &Refusal) -> Self;
    fn of_account(self, username: &str) -> Self;
    fn noting(self, note: impl Into<String>) -> Self;
    fn write(self, sink: &dyn AuditSink);
    /// For the last line before an answer.
    fn write_after_the_answer(self, sink: &dyn AuditSink);
}

impl Filled for AuditRecord {
    fn by(mut self, peer: &Peer) -> Self {
        self.peer = peer.line();
        self
    }

    fn of_key(mut self, entry: &Entry, username: &str) -> Self {
        username.clone_into(&mut self.account);
        self.organisation.clone_from(&entry.organisation);
        self.scope.clone_from(&entry.scope);
        entry.id().clone_into(&mut self.key);
        self
    }

    fn of_pat(self, entry: &Entry, broker: &Broker) -> Self {
        let username = broker.accounts.find(&entry.account).map(|account| account.username);
        let title = entry.person.as_ref().map_or("", |person| &person.title);
        self.of_key(entry, username.as_deref().unwrap_or_default()).noting(shown(title))
    }

    fn because(mut self, refusal: &Refusal) -> Self {
        let reason = serde_json::to_value(refusal.reason).ok();
        let reason = reason.as_ref().and_then(|reason| reason.as_str()).unwrap_or("unknown");
        self.note = format!("{reason}: {}", refusal.sentence);
        self
    }

    fn of_account(mut self, username: &str) -> Self {
        username.clone_into(&mut self.account);
        self
    }

    fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn write(self, sink: &dyn AuditSink) {
        sink.record(self);
    }

    fn write_after_the_answer(self, sink: &dyn AuditSink) {
        sink.hold_back(self);
    }
}

fn rfc3339(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(String::new, |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use valetkey_protocol::Reason;

    use super::*;

    #[test]
    fn a_line_names_its_reason_as_the_wire_does() {
        let refusal = Refusal::new(Reason::OrganisationNotAllowed, "no", "");
        let record = AuditRecord::default().because(&refusal).by(&Peer {
            pid: 7,
            uid: 1000,
            exe: "/g\nit".into(),
            is_read: true,
        });
        assert_eq!(record.note, "organisation-not-allowed: no");
        assert_eq!(record.peer, "pid 7 uid 1000 /g\u{fffd}it");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    }
}
