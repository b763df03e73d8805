//! A program whose words go where they always went, and are heard on the way.

use std::{
    io::{self, Write},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// What is heard of one line, in bytes. It is passed on whole.
const LONGEST: usize = 16 * 1024;
/// What is read at once, in bytes.
const CHUNK: usize = 8 * 1024;
/// How long nothing has come when it is asked whether the program has ended: what it started may hold its streams open.
const SILENCE: Duration = Duration::from_millis(200);

/// Which of its two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Runs a program to its end. Nobody's not reading ends it.
pub(super) fn run(
    command: &mut Command,
    out: &mut dyn Write,
    err: &mut dyn Write,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (mut out_line, mut err_line) = (Line::default(), Line::default());
    // In this thread: it may hold the lock of the stream.
    listen(&mut child, &mut |stream, chunk| {
        let (to, line): (&mut dyn Write, &mut Line) = match stream {
            Stream::Out => (&mut *out, &mut out_line),
            Stream::Err => (&mut *err, &mut err_line),
        };
        let _ = to.write_all(chunk).and_then(|()| to.flush());
        line.hear(chunk, on_line);
    })?;
    out_line.end(on_line);
    err_line.end(on_line);
    child.wait()
}

/// Hears a program out: until both streams are at their ends, or nothing more is in them and it has ended. Whatever it
/// said is in them by then.
#[cfg(unix)]
fn listen(child: &mut Child, hear: &mut dyn FnMut(Stream, &[u8])) -> io::Result<()> {
    use std::os::fd::OwnedFd;

    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        io::Errno,
    };
    let (out, err) = (child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from));
    let mut open: Vec<(Stream, OwnedFd)> =
        [(Stream::Out, out), (Stream::Err, err)].into_iter().filter_map(|(it, fd)| Some((it, fd?))).collect();
    let mut chunk = vec![0; CHUNK];
    let mut ended = false;
    while !open.is_empty() {
        let silence = if ended { Duration::ZERO } else { SILENCE };
        let mut polled: Vec<_> = open.iter().map(|(_, fd)| PollFd::new(fd, PollFlags::IN)).collect();
        let count = match poll(&mut polled, Timespec::try_from(silence).ok().as_ref()) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        if count == 0 && ended {
            break;
        }
        if count == 0 {
            ended = child.try_wait()?.is_some();
            continue;
        }
        let ready: Vec<_> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        open.retain(|(stream, fd)| {
            if !ready.next().unwrap_or_default() {
                return true;
            }
            match rustix::io::read(fd, &mut chunk) {
                Ok(0) => false,
                Ok(length) => {
                    hear(*stream, &chunk[..length]);
                    true
                }
                Err(error) => error == Errno::INTR,
            }
        });
    }
    Ok(())
}

/// The same by threads, which may be late with what they have read.
#[cfg(not(unix))]
fn listen(child: &mut Child, hear: &mut dyn FnMut(Stream, &[u8])) -> io::Result<()> {
    use std::sync::mpsc::{self, RecvTimeoutError};

    let (chunks, heard) = mpsc::channel();
    if let Some(from) = child.stdout.take() {
        pass(from, Stream::Out, chunks.clone());
    }
    if let Some(from) = child.stderr.take() {
        pass(from, Stream::Err, chunks.clone());
    }
    drop(chunks);
    loop {
        match heard.recv_timeout(SILENCE) {
            Ok((stream, chunk)) => hear(stream, &chunk),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if child.try_wait()?.is_some() => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(not(unix))]
fn pass(
    mut from: impl io::Read + Send + 'static,
    stream: Stream,
    to: std::sync::mpsc::Sender<(Stream, Vec<u8>)>,
) {
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) if to.send((stream, chunk[..length].to_vec())).is_err() => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
}

/// A line that is not at its end yet.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    fn hear(&mut self, chunk: &[u8], on_line: &mut dyn FnMut(&str)) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(self.0.len());
            self.0.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                self.end(on_line);
            }
        }
    }

    fn end(&mut self, on_line: &mut dyn FnMut(&str)) {
        if !self.0.is_empty() {
            on_line(String::from_utf8_lossy(&self.0).trim_end());
            self.0.clear();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    type Heard = (Option<i32>, Vec<u8>, Vec<u8>, Vec<String>);

    fn heard(script: &str) -> io::Result<Heard> {
        let (mut out, mut err, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut on_line = |line: &str| lines.push(line.to_owned());
        let status = run(Command::new("sh").args(["-c", script]), &mut out, &mut err, &mut on_line)?;
        lines.sort();
        Ok((status.code(), out, err, lines))
    }

    #[test]
    fn both_streams_go_on_byte_for_byte_and_every_line_is_heard() {
        let (code, out, err, lines) = heard(r"printf 'a\r\n\377b\n\nend'; printf 'c\n' >&2; exit 7").unwrap();
        assert_eq!((code, out.as_slice(), err.as_slice()), (Some(7), &b"a\r\n\xffb\n\nend"[..], &b"c\n"[..]));
        assert_eq!(lines, ["", "a", "c", "end", "\u{fffd}b"]);
    }

    #[test]
    fn a_line_without_an_end_is_passed_on_whole_and_not_kept() {
        let (_, out, _, lines) = heard("head -c 3000000 /dev/zero; echo x").unwrap();
        assert_eq!((out.len(), lines.len(), lines[0].len()), (3_000_002, 1, LONGEST));
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let (code, out, ..) = heard("sleep 60 & echo $!; exit 5").unwrap();
        assert_eq!(code, Some(5));
        let left = String::from_utf8(out).unwrap();
        let ended = Command::new("kill").arg(left.trim()).status().unwrap();
        assert!(ended.success(), "it was waited for");
    }

    #[test]
    fn who_does_not_read_does_not_end_it() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut lines = 0;
        let mut command = Command::new("sh");
        command.args(["-c", "echo a; echo b; exit 3"]);
        let status = run(&mut command, &mut Broken, &mut Broken, &mut |_| lines += 1).unwrap();
        assert_eq!((status.code(), lines), (Some(3), 2));
    }
}
