//! The audit trail: one JSON line for each thing that was done with a key.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::JoinHandle,
};

use valetkey_protocol::{AuditRecord, MAX_FRAME};

use crate::rotating::Rotating;

/// Size at which the file turns over, in bytes.
const CAP: u64 = 1 << 20;

/// Lines that may wait for a slow disk before they are lost.
const WAITING: usize = 1024;

/// Read at once for [`Audit::newest`]: more than an answer can carry.
const TAIL: u64 = 2 * MAX_FRAME as u64;

/// Writes the trail on a thread of its own, in order. A disk that is full or slow stops nobody; lines that are lost
/// are counted.
#[derive(Debug)]
pub struct Audit {
    // `None` once closed.
    writer: Mutex<Option<Writer>>,
    lost: Arc<AtomicU64>,
    path: PathBuf,
}

#[derive(Debug)]
struct Writer {
    lines: SyncSender<Message>,
    /// What the thread has not been woken for yet.
    held_back: Vec<Vec<u8>>,
    thread: JoinHandle<()>,
}

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

impl Audit {
    /// Begins; the file is made with the first line.
    pub fn open(path: PathBuf) -> std::io::Result<Self> {
        Self::with(path, CAP, WAITING)
    }

    fn with(path: PathBuf, cap: u64, waiting: usize) -> std::io::Result<Self> {
        let (lines, receiver) = mpsc::sync_channel(waiting);
        let lost = Arc::new(AtomicU64::new(0));
        let file = Rotating::new(path.clone(), cap);
        let counter = Arc::clone(&lost);
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || write(&receiver, file, &counter))?;
        Ok(Self { writer: Mutex::new(Some(Writer { lines, held_back: Vec::new(), thread })), lost, path })
    }

    /// Notes what was done. The time is filled in where there is none. Never blocks.
    pub fn record(&self, record: AuditRecord) {
        self.hold_back(record);
        self.pass_on();
    }

    /// The same, for what is being answered: the line is written after the next [`Self::pass_on`], so that nobody is
    /// woken before the client is.
    pub(crate) fn hold_back(&self, mut record: AuditRecord) {
        if record.time.is_empty() {
            record.time = format!("{:.3}", jiff::Timestamp::now());
        }
        let Ok(mut line) = serde_json::to_vec(&record) else { return self.lose() };
        line.push(b'\n');
        match &mut *self.writer.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(writer) if writer.held_back.len() < WAITING => writer.held_back.push(line),
            _ => self.lose(),
        }
    }

    /// Has written what was held back.
    pub(crate) fn pass_on(&self) {
        if let Some(writer) = &mut *self.writer.lock().unwrap_or_else(PoisonError::into_inner) {
            self.pass_on_by(writer);
        }
    }

    fn pass_on_by(&self, writer: &mut Writer) {
        for line in writer.held_back.drain(..) {
            if writer.lines.try_send(Message::Line(line)).is_err() {
                self.lose();
            }
        }
    }

    /// Lines that could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The newest `limit` lines, oldest first. Blocks on the disk.
    pub fn newest(&self, limit: usize) -> Vec<AuditRecord> {
        self.flush();
        let mut newest = VecDeque::new();
        for path in [self.path.clone(), Rotating::older(&self.path)] {
            for record in tail(&path).unwrap_or_default().into_iter().rev() {
                if newest.len() >= limit {
                    return newest.into();
                }
                newest.push_front(record);
            }
        }
        newest.into()
    }

    /// Writes what waits and ends; whatever is recorded later is lost. Blocks on the disk.
    pub fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut writer) = writer {
            self.pass_on_by(&mut writer);
            drop(writer.lines);
            let _ = writer.thread.join();
        }
    }

    fn flush(&self) {
        let (done, wait) = mpsc::sync_channel(1);
        self.pass_on();
        let lines = match &*self.writer.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(writer) => writer.lines.clone(),
            None => return,
        };
        if lines.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl valetkey_broker::AuditSink for Audit {
    fn record(&self, record: AuditRecord) {
        Self::record(self, record);
    }

    fn hold_back(&self, record: AuditRecord) {
        Self::hold_back(self, record);
    }
}

fn write(lines: &Receiver<Message>, mut file: Rotating, lost: &AtomicU64) {
    while let Ok(message) = lines.recv() {
        match message {
            Message::Line(line) => {
                if let Err(error) = file.append(&line)
                    && lost.fetch_add(1, Ordering::Relaxed) == 0
                {
                    tracing::warn!("the audit trail cannot be written: {error}");
                }
            }
            Message::Flush(done) => drop(done.send(())),
        }
    }
}

/// The records at the end of a file. A line that is cut, by the start of reading or by a full disk, is passed over.
fn tail(path: &Path) -> std::io::Result<Vec<AuditRecord>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn note(number: u32) -> AuditRecord {
        AuditRecord { event: "minted".into(), note: number.to_string(), ..AuditRecord::default() }
    }

    fn notes(records: &[AuditRecord]) -> Vec<&str> {
        records.iter().map(|it| it.note.as_str()).collect()
    }

    #[test]
    fn the_newest_lines_are_read_over_the_turn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::with(path.clone(), 200, 64).unwrap();
        for number in 0..20 {
            audit.record(note(number));
        }
        assert_eq!(notes(&audit.newest(3)), ["17", "18", "19"]);
        assert!(Rotating::older(&path).exists());
        assert_eq!(audit.lost(), 0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let record = &audit.newest(1)[0];
        assert!(record.time.ends_with('Z') && record.time.contains('T'), "{}", record.time);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_it_recovers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::create_dir(&path).unwrap();
        let audit = Audit::with(path.clone(), 1000, 64).unwrap();
        audit.record(note(1));
        audit.flush();
        assert_eq!(audit.lost(), 1);
        fs::remove_dir(&path).unwrap();
        audit.record(note(2));
        assert_eq!(notes(&audit.newest(9)), ["2"]);
        assert_eq!(audit.lost(), 1);
    }

    #[test]
    fn closing_writes_what_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::open(path.clone()).unwrap();
        for number in 0..100 {
            audit.record(note(number));
        }
        audit.close();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 100);
        audit.record(note(100));
        assert_eq!(audit.lost(), 1);
        assert_eq!(notes(&audit.newest(1)), ["99"]);
    }

    #[test]
    fn what_is_held_back_is_written_in_its_place_and_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::open(path.clone()).unwrap();
        audit.hold_back(note(1));
        audit.record(note(2));
        audit.hold_back(note(3));
        assert_eq!(notes(&audit.newest(9)), ["1", "2", "3"]);
        audit.hold_back(note(4));
        audit.close();
        assert_eq!(notes(&audit.newest(9)), ["1", "2", "3", "4"]);
        let audit = Audit::with(path, CAP, 2).unwrap();
        for number in 0..=WAITING {
            audit.hold_back(note(u32::try_from(number).unwrap()));
        }
        assert_eq!(audit.lost(), 1, "what nobody passes on has an end");
    }

    #[test]
    fn a_broken_line_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, "{\"event\":\"minted\",\"note\":\"1\"}\n{\"event\":\"mi\n").unwrap();
        let audit = Audit::open(path).unwrap();
        audit.record(note(2));
        assert_eq!(notes(&audit.newest(9)), ["1", "2"]);
    }
}
