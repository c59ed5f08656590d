//! One connection's tasks: a reader that answers requests, and a writer that empties the
//! queue of what is to be sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::sink::Sink;
use super::{Flow, Outgoing};
use crate::chaos::Slow;
use crate::wire::dialect::{Dialect, Encoder};
use crate::wire::frame::FrameCodec;
use crate::wire::handshake;
use crate::world::{World, lock};

/// Messages that may wait for a client that reads slowly.
pub(crate) const QUEUE: usize = 50_000;
/// How long a connection may take to say hello.
const HELLO: Duration = Duration::from_secs(30);
/// How long what was queued may take to go out when a connection ends.
const DRAIN: Duration = Duration::from_secs(2);

/// One accepted connection, ready to run.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) outbox: mpsc::Receiver<Outgoing>,
    pub(crate) closing: CancellationToken,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) slow: Arc<Slow>,
    /// Whether it is accepted and never answered.
    pub(crate) is_half_open: bool,
}

impl Connection {
    /// Serves the connection until it ends, and forgets it.
    pub(crate) async fn run(self, stream: TcpStream) {
        let Self {
            id,
            outbox,
            closing,
            world,
            slow,
            is_half_open,
        } = self;
        // Without this a small answer waits for the client to acknowledge the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(connection = id, %error, "cannot send without delay");
        }
        let (mut read, write) = stream.into_split();
        if is_half_open {
            let mut nowhere = tokio::io::sink();
            tokio::select! {
                // Whether the client leaves or the socket fails, there is no one left.
                _ = tokio::io::copy(&mut read, &mut nowhere) => {}
                () = closing.cancelled() => {}
            }
            lock(&world).disconnect(id, "it was half open");
            return;
        }
        let mut frames = FramedRead::new(read, FrameCodec::default());
        let mut sink = Sink::new(write, slow);
        let reason = match greet(id, &world, &mut frames, &mut sink, &closing).await {
            Err(reason) => reason,
            Ok(dialect) => {
                let mut writer = tokio::spawn(write_all(outbox, dialect, sink));
                let reason = tokio::select! {
                    reason = read_all(id, dialect, &world, &mut frames) => reason,
                    () = closing.cancelled() => String::from("closed by the simulator"),
                    _ = &mut writer => String::from("the client no longer reads"),
                };
                // Without its client the queue ends, and the writer with it.
                lock(&world).disconnect(id, &reason);
                if !writer.is_finished() && timeout(DRAIN, &mut writer).await.is_err() {
                    writer.abort();
                }
                return;
            }
        };
        lock(&world).disconnect(id, &reason);
    }
}

/// The handshake, which settles how messages are written. The error says why there was none.
async fn greet<R, W>(
    id: u64,
    world: &Mutex<World>,
    frames: &mut FramedRead<R, FrameCodec>,
    sink: &mut Sink<W>,
    closing: &CancellationToken,
) -> Result<Dialect, String>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let hello = tokio::select! {
        hello = timeout(HELLO, frames.next()) => hello,
        () = closing.cancelled() => return Err(String::from("closed by the simulator")),
    };
    let hello = match hello {
        Err(_) => return Err(String::from("the client never said hello")),
        Ok(None) => return Err(String::from("the client left before it said hello")),
        Ok(Some(Err(error))) => return Err(error.to_string()),
        Ok(Some(Ok(hello))) => hello,
    };
    let version = handshake::choose_version(&hello).map_err(|error| error.to_string())?;
    lock(world).agree(id, version);
    let answer = handshake::answer(version, OffsetDateTime::now_utc());
    sink.put(answer).map_err(|error| error.to_string())?;
    tokio::select! {
        sent = sink.flush() => sent.map_err(|error| error.to_string())?,
        () = closing.cancelled() => return Err(String::from("closed by the simulator")),
    }
    Ok(Dialect::of(version))
}

/// Answers requests until the connection ends, and says why it did.
async fn read_all<R>(
    id: u64,
    dialect: Dialect,
    world: &Mutex<World>,
    frames: &mut FramedRead<R, FrameCodec>,
) -> String
where
    R: AsyncRead + Unpin,
{
    while let Some(frame) = frames.next().await {
        let body: Bytes = match frame {
            Ok(body) => body,
            Err(error) => return error.to_string(),
        };
        let flow = match dialect.decode(&body) {
            Ok(request) => lock(world).request(id, request),
            Err(error) => lock(world).bad_request(id, error),
        };
        if let Flow::Close(reason) = flow {
            return reason;
        }
    }
    String::from("the client disconnected")
}

/// Sends what is queued, flushing whenever the queue is empty.
async fn write_all<W>(mut outbox: mpsc::Receiver<Outgoing>, dialect: Dialect, mut sink: Sink<W>)
where
    W: AsyncWrite + Unpin,
{
    let mut encoder = Encoder::new(dialect);
    while let Some(first) = outbox.recv().await {
        let mut next = Some(first);
        while let Some(outgoing) = next {
            let written = match outgoing {
                Outgoing::Bytes(bytes) => {
                    sink.put_bytes(&bytes);
                    Ok(())
                }
                Outgoing::Message(reply) => match encoder.encode(reply) {
                    Some(body) => sink.put(body),
                    None => Ok(()),
                },
            };
            if written.is_err() || (sink.is_full() && sink.flush().await.is_err()) {
                return;
            }
            next = outbox.try_recv().ok();
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
    // The client has gone or is told to go; there is no one left to tell of a failure.
    sink.close().await;
}
