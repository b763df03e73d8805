//! Frames over an asynchronous stream, each with a deadline.

use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use valetkey_protocol::{FrameError, MAX_FRAME, encode};
use zeroize::Zeroizing;

/// Allocated at once for a frame; the rest grows with the bytes that really come, so that announcing a large frame
/// costs the agent nothing.
const FIRST_ALLOCATION: usize = 4 * 1024;

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The client did not begin, or did not end, in time; or it took no answer.
    #[error("the client was too slow")]
    TimedOut,
    /// See [`FrameError`].
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// One end of a connection. It wipes what it has read.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    head: [u8; 4],
    have: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, head: [0; 4], have: 0 }
    }

    /// The body of the next frame: begun within `begin`, whole within `whole` after that.
    pub(crate) async fn read(
        &mut self,
        begin: Duration,
        whole: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, WireError> {
        if self.have == 0 {
            timeout(begin, self.fill_head()).await.map_err(|_| WireError::TimedOut)??;
        }
        timeout(whole, self.rest()).await.map_err(|_| WireError::TimedOut)?.map_err(WireError::Frame)
    }

    /// Returns when the client has closed, and never otherwise: a byte of the next frame is kept for [`Self::read`].
    pub(crate) async fn closed(&mut self) {
        if self.have == 0 && self.fill_head().await.is_err() {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Sends one value; the client takes it within `deadline`.
    pub(crate) async fn write<T: Serialize>(
        &mut self,
        value: &T,
        deadline: Duration,
    ) -> Result<(), WireError> {
        let frame = Zeroizing::new(encode(value)?);
        let sent = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        timeout(deadline, sent)
            .await
            .map_err(|_| WireError::TimedOut)?
            .map_err(|error| FrameError::Io(error).into())
    }

    async fn fill_head(&mut self) -> Result<(), FrameError> {
        match self.stream.read(&mut self.head[self.have..]).await {
            Ok(0) if self.have == 0 => Err(FrameError::Closed),
            Ok(0) => Err(FrameError::Io(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.have += count;
                Ok(())
            }
            Err(error) => Err(FrameError::Io(error)),
        }
    }

    async fn rest(&mut self) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        while self.have < self.head.len() {
            self.fill_head().await?;
        }
        let length = usize::try_from(u32::from_be_bytes(self.head)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(FrameError::TooLarge(length));
        }
        let mut body = Zeroizing::new(Vec::with_capacity(length.min(FIRST_ALLOCATION)));
        while body.len() < length {
            let left = (length - body.len()) as u64;
            if (&mut self.stream).take(left).read_buf(&mut *body).await.map_err(FrameError::Io)? == 0 {
                return Err(FrameError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.have = 0;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use valetkey_protocol::Request;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn a_frame_in_single_bytes_is_read() {
        let (near, mut far) = duplex(1);
        let wire = encode(&Request::Ping).unwrap();
        let writer = tokio::spawn(async move {
            for byte in wire {
                far.write_all(&[byte]).await.unwrap();
            }
            far
        });
        let body = Wire::new(near).read(LONG, LONG).await.unwrap();
        assert!(matches!(valetkey_protocol::decode(&body), Ok(Request::Ping)));
        drop(writer.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_begun_must_end_in_time() {
        let (near, mut far) = duplex(64);
        far.write_all(&[0, 0, 0, 9, b'"']).await.unwrap();
        assert!(matches!(Wire::new(near).read(LONG, SHORT).await, Err(WireError::TimedOut)));
        let (near, _far) = duplex(64);
        assert!(matches!(Wire::new(near).read(SHORT, LONG).await, Err(WireError::TimedOut)));
    }

    #[tokio::test]
    async fn an_oversized_frame_is_refused_by_its_length() {
        let (near, mut far) = duplex(64);
        far.write_all(&u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes()).await.unwrap();
        let refused = Wire::new(near).read(LONG, LONG).await;
        assert!(matches!(refused, Err(WireError::Frame(FrameError::TooLarge(_)))), "{refused:?}");
    }

    #[tokio::test]
    async fn watching_for_the_end_loses_no_byte() {
        let (near, mut far) = duplex(64);
        let mut wire = Wire::new(near);
        far.write_all(&encode(&Request::Ping).unwrap()).await.unwrap();
        tokio::select! {
            biased;
            () = wire.closed() => panic!("not closed"),
            () = std::future::ready(()) => {}
        }
        let body = wire.read(LONG, LONG).await.unwrap();
        assert!(matches!(valetkey_protocol::decode(&body), Ok(Request::Ping)));
        drop(far);
        wire.closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (near, _far) = duplex(8);
        let value = "x".repeat(1000);
        assert!(matches!(Wire::new(near).write(&value, SHORT).await, Err(WireError::TimedOut)));
    }
}
