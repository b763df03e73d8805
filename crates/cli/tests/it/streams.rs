//! Output that cannot be written.

use std::io;

use valetkey_cli::Exit;

use crate::harness::Run;

/// A stream whose reader went away, or a full disk.
struct Failing(io::ErrorKind);

impl io::Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn into(kind: io::ErrorKind, command_line: &str) -> (Exit, String) {
    let mut err = anstream::StripStream::new(Vec::new());
    let (exit, ..) = Run::new(command_line).into(&mut Failing(kind), &mut err);
    (exit, String::from_utf8(err.into_inner()).unwrap())
}

#[test]
fn a_reader_that_had_enough_is_no_failure() {
    for command_line in ["setup entra", "--help", "status"] {
        assert_eq!(into(io::ErrorKind::BrokenPipe, command_line), (Exit::Done, String::new()));
    }
}

#[test]
fn a_full_disk_is_told() {
    let (exit, err) = into(io::ErrorKind::StorageFull, "setup entra");
    assert_eq!(exit, Exit::Refused);
    assert!(err.starts_with("error: the output cannot be written: "), "{err}");
}
