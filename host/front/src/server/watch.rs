//! What a connection does, seen from outside: whether it is quiet, and whether
//! its client takes what is sent to it.
//!
//! Two things show a client that does not: the socket takes no more, or a body
//! gave a piece and is not asked for the next one, because HTTP/2 has its own
//! windows above those of TCP.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::reply::Body;

/// The most that a body gives at once. What HTTP/2 has taken from a body and
/// not sent is kept, so that it should be little.
const PIECE: usize = 16 << 10;

/// Watches one connection. Clones watch the same one.
#[derive(Clone)]
pub(super) struct Watch {
    state: Arc<Mutex<State>>,
}

struct State {
    /// How many requests are being answered.
    answers: usize,
    /// Since when there are none.
    quiet_since: Instant,
    /// Since when the socket takes nothing.
    blocked_since: Option<Instant>,
    /// When each body gave its last piece, if the next was not asked for yet.
    bodies: HashMap<u64, Instant>,
    next_body: u64,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// All is well; it can change at this time.
    Well(Instant),
    /// Nothing was asked for too long.
    Quiet,
    /// The client takes nothing for too long.
    Stalled,
}

impl Watch {
    pub(super) fn new() -> Self {
        let state = State {
            answers: 0,
            quiet_since: Instant::now(),
            blocked_since: None,
            bodies: HashMap::new(),
            next_body: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A request is being answered until the mark is dropped.
    pub(super) fn answering(&self) -> Answering {
        let mut state = self.state();
        state.answers += 1;
        state.next_body += 1;
        Answering {
            watch: self.clone(),
            body: state.next_body,
        }
    }

    /// How the connection stands, if it may be quiet and stalled for so long.
    pub(super) fn standing(&self, now: Instant, quiet: Duration, stalled: Duration) -> Standing {
        let state = self.state();
        let oldest = state.bodies.values().copied().min();
        let since = match (state.blocked_since, oldest) {
            (Some(blocked), Some(oldest)) => Some(blocked.min(oldest)),
            (blocked, oldest) => blocked.or(oldest),
        };
        let stalls = since.unwrap_or(now) + stalled;
        if now >= stalls {
            return Standing::Stalled;
        }
        let quietens = match state.answers {
            0 => state.quiet_since,
            _ => now,
        } + quiet;
        if now >= quietens {
            return Standing::Quiet;
        }
        Standing::Well(stalls.min(quietens))
    }

    fn wrote<T>(&self, poll: &Poll<T>) {
        let mut state = self.state();
        match poll {
            Poll::Ready(_) => state.blocked_since = None,
            Poll::Pending => {
                state.blocked_since.get_or_insert_with(Instant::now);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mark of a request that is being answered.
pub(super) struct Answering {
    watch: Watch,
    body: u64,
}

impl Answering {
    /// Keeps the mark until the body was sent, and sees whether it is taken.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Taken {
            body,
            rest: Bytes::new(),
            mark: self,
        })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.watch.state();
        state.bodies.remove(&self.body);
        state.answers = state.answers.saturating_sub(1);
        state.quiet_since = Instant::now();
    }
}

/// A body that is given in small pieces, and notes when each was taken.
struct Taken {
    body: Body,
    /// What of the last frame was not given yet.
    rest: Bytes,
    mark: Answering,
}

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            self.mark.watch.state().bodies.remove(&self.mark.body);
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        let body = self.mark.body;
        self.mark.watch.state().bodies.insert(body, Instant::now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower().saturating_add(rest));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

/// A socket whose writing is watched.
pub(super) struct Watched<S> {
    socket: S,
    watch: Watch,
}

impl<S> Watched<S> {
    pub(super) fn new(socket: S, watch: Watch) -> Self {
        Self { socket, watch }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch.wrote(&poll);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watch.wrote(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use http_body::Body as _;
    use http_body_util::{BodyExt, Full};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const QUIET: Duration = Duration::from_secs(30);
    const STALLED: Duration = Duration::from_secs(10);

    fn after(watch: &Watch, seconds: u64) -> Standing {
        let now = Instant::now() + Duration::from_secs(seconds);
        watch.standing(now, QUIET, STALLED)
    }

    fn body(bytes: usize) -> Body {
        Full::new(Bytes::from(vec![b'x'; bytes])).boxed()
    }

    #[tokio::test]
    async fn a_connection_is_quiet_when_nothing_is_answered() {
        let watch = Watch::new();
        assert!(matches!(after(&watch, 29), Standing::Well(_)));
        assert_eq!(after(&watch, 30), Standing::Quiet);
        let answering = watch.answering();
        assert!(matches!(after(&watch, 3000), Standing::Well(_)));
        drop(answering);
        assert!(matches!(after(&watch, 29), Standing::Well(_)));
        assert_eq!(after(&watch, 31), Standing::Quiet);
    }

    #[tokio::test]
    async fn a_client_that_takes_no_more_of_a_body_stalls() {
        let watch = Watch::new();
        let mut sent = watch.answering().until_sent(body(PIECE + 1));
        assert_eq!(sent.size_hint().exact(), Some(16_385));
        let piece = sent.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece.len(), PIECE);
        assert_eq!(sent.size_hint().exact(), Some(1));
        assert!(matches!(after(&watch, 9), Standing::Well(_)));
        assert_eq!(after(&watch, 10), Standing::Stalled);
        // It takes the rest after all.
        sent.frame().await.unwrap().unwrap();
        assert!(matches!(after(&watch, 9), Standing::Well(_)));
        assert!(sent.is_end_stream());
        drop(sent);
        assert_eq!(after(&watch, 30), Standing::Quiet);
    }

    #[tokio::test]
    async fn a_body_with_nothing_to_give_stalls_nobody() {
        let watch = Watch::new();
        let frames = futures::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let endless = Body::new(http_body_util::StreamBody::new(frames));
        let mut sent = watch.answering().until_sent(endless);
        assert!(futures::poll!(sent.frame()).is_pending());
        assert!(matches!(after(&watch, 100_000), Standing::Well(_)));
    }

    #[tokio::test]
    async fn a_socket_that_takes_nothing_stalls_until_it_takes_something() {
        let (near, mut far) = tokio::io::duplex(8);
        let watch = Watch::new();
        let mut near = Watched::new(near, watch.clone());
        assert_eq!(near.write(b"12345678").await.unwrap(), 8);
        assert!(futures::poll!(std::pin::pin!(near.write(b"9"))).is_pending());
        assert!(matches!(after(&watch, 9), Standing::Well(_)));
        assert_eq!(after(&watch, 10), Standing::Stalled);
        let mut taken = [0; 8];
        far.read_exact(&mut taken).await.unwrap();
        assert_eq!(near.write(b"9").await.unwrap(), 1);
        assert!(matches!(after(&watch, 10), Standing::Well(_)));
    }
}
