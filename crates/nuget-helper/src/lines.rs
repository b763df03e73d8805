//! Lines of a stream nobody vouches for.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes. A service index, which NuGet sends whole, has some ten thousand.
pub const MAX_LINE: usize = 1024 * 1024;

/// Reads lines, and skips those that are longer than [`MAX_LINE`].
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `from`.
    pub fn new(from: R) -> Self {
        Self { from }
    }

    /// The next line without its end, or nothing where the stream has ended. What came after the last line's end
    /// counts as a line.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.read_one()? {
                Read::Line(line) => return Ok(Some(line)),
                Read::TooLong => {}
                Read::End => return Ok(None),
            }
        }
    }

    fn read_one(&mut self) -> io::Result<Read> {
        let mut line = Vec::new();
        let (mut any, mut too_long) = (false, false);
        loop {
            let bytes = match self.from.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok(if too_long || !any { Read::after(too_long) } else { Read::Line(line) });
            }
            any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            too_long |= line.len() + part.len() > MAX_LINE;
            if too_long {
                line = Vec::new();
            } else {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(if too_long { Read::TooLong } else { Read::Line(line) });
            }
        }
    }
}

enum Read {
    Line(Vec<u8>),
    TooLong,
    End,
}

impl Read {
    fn after(too_long: bool) -> Self {
        if too_long { Self::TooLong } else { Self::End }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], buffer: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, bytes));
        std::iter::from_fn(|| lines.next_line().unwrap()).collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let long = vec![b'x'; 10 * MAX_LINE];
        let input = [b"a\n".as_slice(), &long, b"\nb\n", &long].concat();
        assert_eq!(all(&input, 8192), [b"a", b"b"]);
    }

    #[test]
    fn a_line_may_have_exactly_the_limit() {
        let most = vec![b'x'; MAX_LINE];
        assert_eq!(all(&[&most[..], b"\n"].concat(), 8192), [most]);
        assert_eq!(all(&vec![b'x'; MAX_LINE + 1], 8192), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn what_was_joined_is_read_apart_whatever_the_buffer(
            lines in prop::collection::vec("[^\n]{0,40}", 0..8),
            buffer in 1usize..50,
        ) {
            let input: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            let expected: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(all(input.as_bytes(), buffer), expected);
        }
    }
}
