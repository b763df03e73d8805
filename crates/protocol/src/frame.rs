//! The codec: four bytes of length, most significant first, then JSON.

use std::io::{ErrorKind, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The largest frame, in bytes, without its length.
pub const MAX_FRAME: usize = 64 * 1024;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The other side closed before a frame began.
    #[error("the connection was closed")]
    Closed,
    /// The other side closed in the middle of a frame, or reading failed.
    #[error("the connection broke")]
    Io(#[source] std::io::Error),
    /// The announced or produced frame is larger than [`MAX_FRAME`].
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// The bytes are not the JSON expected. The text is not kept: it may hold a secret.
    #[error("a frame is not understood")]
    Malformed,
}

/// A value as a frame: length and body.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value).map_err(|_| FrameError::Malformed)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(FrameError::TooLarge(length));
    }
    let head = u32::try_from(length).map_err(|_| FrameError::TooLarge(length))?;
    frame[..4].copy_from_slice(&head.to_be_bytes());
    Ok(frame)
}

/// The value in a frame's body.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(|_| FrameError::Malformed)
}

/// Writes one frame and flushes.
pub fn write_frame<T: Serialize>(mut to: impl Write, value: &T) -> Result<(), FrameError> {
    to.write_all(&encode(value)?).and_then(|()| to.flush()).map_err(FrameError::Io)
}

/// Reads one frame. The length is checked before anything is allocated.
pub fn read_frame<T: DeserializeOwned>(mut from: impl Read) -> Result<T, FrameError> {
    let mut head = [0; 4];
    loop {
        match from.read(&mut head[..1]) {
            Ok(0) => return Err(FrameError::Closed),
            Ok(_) => break,
            // A stopped and continued process gets this on a socket with a deadline (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    from.read_exact(&mut head[1..]).map_err(FrameError::Io)?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Err(FrameError::TooLarge(length));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).map_err(FrameError::Io)?;
    decode(&body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_oversized_length_is_refused_before_the_body() {
        let wire = [0xff, 0xff, 0xff, 0xff, b'{'];
        assert!(matches!(read_frame::<serde_json::Value>(&wire[..]), Err(FrameError::TooLarge(_))));
    }

    #[test]
    fn an_early_end_is_told_from_a_clean_close() {
        assert!(matches!(read_frame::<serde_json::Value>(&[][..]), Err(FrameError::Closed)));
        assert!(matches!(read_frame::<serde_json::Value>(&[0, 0][..]), Err(FrameError::Io(_))));
        assert!(matches!(read_frame::<serde_json::Value>(&[0, 0, 0, 9, b'"'][..]), Err(FrameError::Io(_))));
    }

    #[test]
    fn an_interrupted_read_is_tried_again() {
        struct Interrupted<'a>(bool, &'a [u8]);

        impl Read for Interrupted<'_> {
            fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
                self.0 = !self.0;
                if self.0 { Err(ErrorKind::Interrupted.into()) } else { self.1.read(to) }
            }
        }

        let wire = encode(&"hello").unwrap();
        assert_eq!(read_frame::<String>(Interrupted(false, &wire)).unwrap(), "hello");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in ".{0,200}") {
            let mut wire = Vec::new();
            write_frame(&mut wire, &text).unwrap();
            prop_assert_eq!(read_frame::<String>(&wire[..]).unwrap(), text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read_frame::<crate::Request>(&bytes[..]);
            let _ = decode::<crate::Answer>(&bytes);
        }
    }
}
