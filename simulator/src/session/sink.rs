//! The writing end of a socket, which can be made slow.

use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::codec::Encoder;

use crate::chaos::Slow;
use crate::wire::frame::FrameCodec;

/// How much is gathered before it is written.
const FULL: usize = 64 * 1024;

/// Gathers frames and writes them, a few bytes at a time while sockets are slow.
pub(super) struct Sink<W> {
    write: W,
    waiting: BytesMut,
    slow: Arc<Slow>,
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    pub(super) fn new(write: W, slow: Arc<Slow>) -> Self {
        Self {
            write,
            waiting: BytesMut::new(),
            slow,
        }
    }

    /// Gathers a frame.
    pub(super) fn put(&mut self, body: Bytes) -> io::Result<()> {
        FrameCodec::default().encode(body, &mut self.waiting)
    }

    /// Gathers bytes as they are.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Whether it is time to write.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= FULL
    }

    /// Writes all that was gathered.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while self.waiting.has_remaining() {
            match self.slow.pace() {
                None => self.write.write_all_buf(&mut self.waiting).await?,
                Some((bytes, pause)) => {
                    let some = bytes.min(self.waiting.len());
                    self.write.write_all(&self.waiting.split_to(some)).await?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        self.write.flush().await
    }

    /// Ends the stream. There is no one left to tell of a failure.
    pub(super) async fn close(mut self) {
        let _ = self.write.shutdown().await;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;

    /// Notes how much is written at a time.
    #[derive(Default)]
    struct Sizes(Vec<usize>);

    impl AsyncWrite for Sizes {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_slow_socket_is_written_in_small_parts() {
        let slow = Arc::new(Slow::default());
        let mut sink = Sink::new(Sizes::default(), slow.clone());
        sink.put(Bytes::from_static(b"abcdef")).unwrap();
        sink.flush().await.unwrap();
        slow.set(4, 0);
        sink.put(Bytes::from_static(b"abcdef")).unwrap();
        sink.flush().await.unwrap();
        assert_eq!(sink.write.0, [10, 4, 4, 2]);
    }
}
