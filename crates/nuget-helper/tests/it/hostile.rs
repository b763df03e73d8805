//! Input that no NuGet sends.

use std::{
    io::{self, Write},
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use serde_json::json;

use crate::talk::{FEED, Talk, generous};

#[test]
fn garbage_is_passed_over() {
    let mut talk = Talk::new(generous()).greeted();
    for line in [
        b"".to_vec(),
        b"\r".to_vec(),
        b"garbage".to_vec(),
        b"\xff\xfe\x00{".to_vec(),
        b"{\"RequestId\":\"1\",\"Type\":\"Request\"".to_vec(),
        b"[1,2,3]".to_vec(),
        vec![b'['; 200_000],
        vec![b'x'; 10_000_000],
        br#"{"RequestId":"1","Type":"Request","Method":"Frobnicate","Payload":{}}"#.to_vec(),
        br#"{"RequestId":"1","Type":"Fault","Method":"None","Payload":{"Message":"x"}}"#.to_vec(),
        br#"{"RequestId":"1","Type":"Response","Method":"Log","Payload":{"ResponseCode":"Error"}}"#.to_vec(),
        br#"{"RequestId":"1","Type":"Progress","Method":"GetAuthenticationCredentials","Payload":{}}"#
            .to_vec(),
        br#"{"RequestId":"1","Type":"Cancel","Method":"GetAuthenticationCredentials"}"#.to_vec(),
        br#"{"RequestId":"1","Type":"Response","Method":"Close"}"#.to_vec(),
    ] {
        talk.say(line);
    }
    assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k1");
    assert!(talk.end().is_empty());
}

#[test]
fn half_a_line_is_the_end() {
    let mut talk = Talk::new(generous()).greeted();
    talk.say("{\"RequestId\":\"1\",\"Type\":\"Request\",\"Method\":\"GetOper");
    assert!(talk.end().is_empty());
}

#[test]
fn a_name_that_was_used_up_may_be_used_again() {
    let mut talk = Talk::new(generous()).greeted();
    for _ in 0..3 {
        assert_eq!(talk.key(FEED, false, false)["Password"], "canary-k1");
    }
    assert!(talk.end().is_empty());
}

#[test]
fn a_name_is_given_back_as_it_came() {
    let mut talk = Talk::new(generous()).greeted();
    for id in ["\"}\n{\"", "\u{0}\u{1b}[2J", "é\u{2028}", "\\", "\u{feff}"] {
        talk.request(id, "Initialize", &json!({}));
        assert_eq!(talk.hear()["RequestId"], id);
    }
    assert!(talk.end().is_empty());
}

/// A pipe that takes one line, says so when it is to take another one, and then takes nothing.
struct Full {
    /// Lines that it has room for. A pipe holds many.
    room: u32,
    to: Sender<Vec<u8>>,
    stuck: Sender<()>,
    /// Nobody ever sends: who waits for it waits for ever.
    never: (Sender<()>, Receiver<()>),
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            self.stuck.send(()).unwrap();
            let _ = self.never.1.recv();
        }
        self.room -= 1;
        self.to.send(bytes.to_owned()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_client_that_never_reads_is_left_after_half_a_minute() {
    let (sender, stuck) = mpsc::channel();
    let mut talk = Talk::with(generous(), false, move |to| {
        Box::new(Full { room: 2, to, stuck: sender, never: mpsc::channel() })
    });
    assert_eq!(talk.hear()["Method"], "Handshake");
    talk.request("1", "Initialize", &json!({}));
    talk.request("2", "Initialize", &json!({}));
    stuck.recv_timeout(Duration::from_secs(60)).unwrap();
    for _ in 0..15 {
        talk.beat();
    }
    assert_eq!(talk.ended().len(), 1, "the answer there was room for");
}

#[test]
fn a_client_that_closes_its_ear_is_left_at_once() {
    let mut talk = Talk::new(generous()).greeted();
    talk.close_output();
    talk.request("1", "Initialize", &json!({}));
    assert!(talk.ended().is_empty());
}
